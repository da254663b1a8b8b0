import { CheckpointError } from "../errors.js";
import { describe, isTensor, type PickleValue, type TensorReference } from "../pickle/values.js";

/** Which weights of a file that holds both are wanted. */
export type WeightsKind = "regular" | "ema";

export interface StateDictOptions {
  /** Default "regular". */
  readonly weights?: WeightsKind;
  /** Where the state dict stands, if it is not found by itself: dictionary keys joined by dots, "" for the top level. */
  readonly stateDict?: string;
}

export interface FoundStateDict {
  /** Keys that lead to it, joined by dots; "" is the top level. */
  readonly path: string;
  readonly tensors: ReadonlyMap<string, TensorReference>;
  /** Keys whose values are no tensors. */
  readonly skipped: readonly string[];
}

/** The usual names, most usual first: official ASL, timm and Lightning, training loops. */
const USUAL_PLACES: Readonly<Record<WeightsKind, readonly string[]>> = {
  regular: ["model", "state_dict", "model_state_dict", "model_state", "net", "module", "weights", "params"],
  ema: ["state_dict_ema", "model_ema", "ema", "ema_state_dict", "ema_model", "params_ema"],
};

/** Finds the dictionary of tensors in what a PyTorch file holds. */
export function findStateDict(file: string, root: PickleValue, options: StateDictOptions = {}): FoundStateDict {
  if (options.stateDict !== undefined) return at(file, root, options.stateDict);
  const { weights = "regular" } = options;
  if (!(root instanceof Map)) {
    throw new CheckpointError(file, `holds ${describe(root)} instead of a dictionary of tensors`);
  }
  if (weights === "regular" && holdsTensors(root)) return stateDict("", root);
  for (const place of USUAL_PLACES[weights]) {
    const found = withinUsual(place, root.get(place));
    if (found !== undefined) return found;
  }
  const others = [...root].filter(
    ([key, value]) => typeof key === "string" && !USUAL_PLACES.ema.includes(key) && holdsTensors(value),
  );
  const only = others[0];
  if (weights === "regular" && others.length === 1 && only !== undefined && only[1] instanceof Map) {
    return stateDict(String(only[0]), only[1]);
  }
  const kind = weights === "ema" ? "no EMA weights were found" : "no state dict was found";
  throw new CheckpointError(file, `${kind}; at the top level it holds: ${contents(root)}`);
}

/** `{"state_dict": {...}}` also comes one level deeper, as `{"model": {"state_dict": {...}}}`. */
function withinUsual(place: string, value: PickleValue | undefined): FoundStateDict | undefined {
  if (!(value instanceof Map)) return undefined;
  if (holdsTensors(value)) return stateDict(place, value);
  for (const inner of USUAL_PLACES.regular) {
    const nested = value.get(inner);
    if (nested instanceof Map && holdsTensors(nested)) return stateDict(`${place}.${inner}`, nested);
  }
  return undefined;
}

function at(file: string, root: PickleValue, path: string): FoundStateDict {
  let value: PickleValue | undefined = root;
  for (const key of path === "" ? [] : path.split(".")) {
    value = value instanceof Map ? value.get(key) : undefined;
  }
  if (value instanceof Map && holdsTensors(value)) return stateDict(path, value);
  const holds = root instanceof Map ? contents(root) : describe(root);
  throw new CheckpointError(file, `"${path}" is ${describe(value)}, not a state dict; the file holds: ${holds}`);
}

function holdsTensors(value: PickleValue | undefined): boolean {
  if (!(value instanceof Map)) return false;
  let tensors = 0;
  for (const [key, item] of value) if (typeof key === "string" && isTensor(item)) tensors++;
  return tensors > 0 && tensors * 2 >= value.size;
}

function stateDict(path: string, map: ReadonlyMap<PickleValue, PickleValue>): FoundStateDict {
  const tensors = new Map<string, TensorReference>();
  const skipped: string[] = [];
  for (const [key, value] of map) {
    if (typeof key === "string" && isTensor(value)) tensors.set(key, value);
    else skipped.push(typeof key === "string" ? key : describe(key));
  }
  return { path, tensors, skipped };
}

function contents(root: ReadonlyMap<PickleValue, PickleValue>): string {
  const entries = [...root].slice(0, 12).map(([key, value]) => `${JSON.stringify(key) ?? "?"}: ${describe(value)}`);
  return entries.length === 0 ? "nothing" : `${entries.join(", ")}${root.size > 12 ? ", ..." : ""}`;
}
