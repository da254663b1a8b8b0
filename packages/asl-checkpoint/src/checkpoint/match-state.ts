import { AslError, formatType, sameType, type TensorData, type Tensors, type TensorType } from "asl-core";

/** A tensor that both sides have, with different types. */
export interface Misshapen {
  readonly name: string;
  readonly expected: TensorType;
  readonly found: TensorType;
}

const SHOWN = 5;

/** The tensors of a checkpoint are not those of the model. Lists all differences; the message shows the first few. */
export class CheckpointMismatchError extends AslError {
  /** Expected by the model, absent in the checkpoint. */
  readonly missing: readonly string[];
  /** In the checkpoint, unknown to the model. */
  readonly unexpected: readonly string[];
  readonly misshapen: readonly Misshapen[];

  constructor(
    file: string,
    differences: {
      readonly missing: readonly string[];
      readonly unexpected: readonly string[];
      readonly misshapen: readonly Misshapen[];
    },
    hint: string,
  ) {
    const { missing, unexpected, misshapen } = differences;
    const shapes = misshapen.map(
      ({ name, expected, found }) => `${name} (expected ${formatType(expected)}, found ${formatType(found)})`,
    );
    const parts = [listed("missing", missing), listed("unexpected", unexpected), listed("misshapen", shapes)];
    super(
      "ERR_ASL_CHECKPOINT_MISMATCH",
      `${file}: does not fit the model. ${parts.filter((part) => part !== "").join(". ")}.${hint}`,
    );
    this.missing = missing;
    this.unexpected = unexpected;
    this.misshapen = misshapen;
  }
}

export interface MatchOptions {
  /** Take everything but the head, whatever head the checkpoint has. Default false. */
  readonly loadBackbone?: boolean;
  /** For messages. */
  readonly file?: string;
}

export interface MatchedState {
  /** In the order of `expected`. */
  readonly tensors: Tensors;
  /** Expected names that keep the model's own values: the head's, with `loadBackbone`. */
  readonly notLoaded: readonly string[];
}

const isHead = (name: string): boolean => name.startsWith("head.");

/**
 * Fits the tensors of a checkpoint to the state a model expects (both under official names).
 * @throws CheckpointMismatchError when a name is missing or unknown or a type differs; with `loadBackbone`, names
 * under "head." do not count
 */
export function matchState(
  expected: Readonly<Record<string, TensorType>>,
  tensors: Tensors,
  options: MatchOptions = {},
): MatchedState {
  const { loadBackbone = false, file = "the checkpoint" } = options;
  const counts = (name: string): boolean => !(loadBackbone && isHead(name));
  const missing: string[] = [];
  const misshapen: Misshapen[] = [];
  const matched: [string, TensorData][] = [];
  for (const [name, type] of Object.entries(expected)) {
    if (!counts(name)) continue;
    const found = Object.hasOwn(tensors, name) ? tensors[name] : undefined;
    if (found === undefined) missing.push(name);
    else if (sameType(found.type, type)) matched.push([name, found]);
    else misshapen.push({ name, expected: type, found: found.type });
  }
  const unexpected = Object.keys(tensors).filter((name) => counts(name) && !Object.hasOwn(expected, name));
  if (missing.length + unexpected.length + misshapen.length > 0) {
    const onlyHead = [...missing, ...unexpected, ...misshapen.map(({ name }) => name)].every(isHead);
    throw new CheckpointMismatchError(file, { missing, unexpected, misshapen }, onlyHead ? headHint(misshapen) : "");
  }
  return {
    tensors: Object.fromEntries(matched),
    notLoaded: Object.keys(expected).filter((name) => !counts(name)),
  };
}

/** When nothing but the head differs, the usual cause is another number of classes. */
function headHint(misshapen: readonly Misshapen[]): string {
  const classes = misshapen.find(({ name }) => name === "head.fc.weight" || name === "head.fc.FC.weight");
  const counts =
    classes === undefined
      ? ""
      : ` (the checkpoint has ${classes.found.shape[0]} classes, the model ${classes.expected.shape[0]})`;
  return ` Only the head differs${counts}: --load-backbone loads all but the head`;
}

function listed(what: string, names: readonly string[]): string {
  if (names.length === 0) return "";
  return `${names.length} ${what}: ${names.slice(0, SHOWN).join(", ")}${names.length > SHOWN ? ", ..." : ""}`;
}
