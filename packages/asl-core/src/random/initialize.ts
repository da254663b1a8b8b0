import { InputError } from "../errors/errors.js";
import type { StateEntry, StateSpec } from "../state/spec.js";
import { allocate, formatType, sameType, sizeOf, type TensorData, type Tensors } from "../types/tensor.js";
import { createRandom } from "./random.js";

/**
 * The starting values of a state. Every tensor draws from a stream keyed by the seed and its own name, so that adding,
 * leaving out or reordering other tensors changes nothing; "copy" entries share no memory with what they copy.
 * Throws InputError for a copy of an unknown name, of another type, or of itself through others, and for a random
 * start of a tensor that is not f32.
 */
export function initialize(spec: StateSpec, seed: number): Tensors {
  const tensors = new Map<string, TensorData>();
  for (const [name, { type, data }] of initialTensors(spec, seed)) {
    tensors.set(name, { type, data: spec[name]!.init.kind === "copy" ? data.slice() : data });
  }
  // In the order of the spec, whatever order the copies were resolved in.
  return Object.fromEntries(Object.keys(spec).map((name) => [name, tensors.get(name)!]));
}

/**
 * The same values one by one, for states of which two copies at once would be too many: what is a copy follows what it
 * copies and shares its memory. Throws as `initialize` does: for copies before the first tensor, for a type at its tensor.
 */
export function* initialTensors(spec: StateSpec, seed: number): Generator<readonly [string, TensorData]> {
  const sharers = new Map<string, string[]>();
  for (const name of Object.keys(spec)) {
    const origin = originOf(spec, name);
    sharers.set(origin, [...(sharers.get(origin) ?? []), name]);
  }
  for (const [origin, names] of sharers) {
    const { type } = spec[origin]!;
    const data = draw(origin, spec[origin]!, seed);
    for (const name of names) yield [name, { type, data }];
  }
}

/** Follows a chain of copies to what is drawn. */
function originOf(spec: StateSpec, name: string): string {
  const chain: string[] = [];
  for (let at = name; ; ) {
    const entry = spec[at]!;
    if (chain.includes(at)) throw new InputError(`state "${at}" is a copy of itself: ${[...chain, at].join(" -> ")}`);
    if (entry.init.kind !== "copy") return at;
    checkCopy(spec, at, entry, entry.init.of);
    chain.push(at);
    at = entry.init.of;
  }
}

function checkCopy(spec: StateSpec, name: string, entry: StateEntry, of: string): void {
  const origin = Object.hasOwn(spec, of) ? spec[of] : undefined;
  if (origin === undefined) throw new InputError(`state "${name}" copies "${of}", which does not exist`);
  if (!sameType(origin.type, entry.type)) {
    throw new InputError(`state "${name}" is ${formatType(entry.type)} but copies "${of}" ${formatType(origin.type)}`);
  }
}

function draw(name: string, { type, init }: StateEntry, seed: number): TensorData["data"] {
  const data = allocate(type.dtype, sizeOf(type.shape));
  if (init.kind === "zeros") return data;
  if (init.kind === "ones") return data.fill(1);
  if (type.dtype !== "f32") {
    throw new InputError(`state "${name}": a start of kind "${init.kind}" needs f32; got ${formatType(type)}`);
  }
  const random = createRandom(seed, name);
  if (init.kind === "normal") {
    // N(0, std^2)
    for (let i = 0; i < data.length; i++) data[i] = init.std * random.normal();
  } else if (init.kind === "uniform") {
    // U(-bound, bound)
    for (let i = 0; i < data.length; i++) data[i] = init.bound * (2 * random.uniform() - 1);
  }
  return data;
}
