import { createRandom, f32, type Random, type TensorData, type Tensors } from "asl-core";
import { fromBits, neighbour } from "./bits.js";

export const ELEMENTS = 131_072;
export const SHAPE = [128, ELEMENTS / 128] as const;

const SPECIAL = [
  0,
  -0,
  fromBits(1),
  fromBits(0x80000001),
  fromBits(0x007fffff),
  2 ** -126,
  -(2 ** -126),
  1e-30,
  -1e-30,
  2 ** -25,
  1e10,
  -1e10,
  fromBits(0x7f7fffff),
  fromBits(0xff7fffff),
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
];

/** Where the functions change their piece or their regime; each with its neighbours, in both signs. */
const THRESHOLDS = [
  0.5,
  1,
  2,
  1 / 128,
  1 / 64,
  3 / 128,
  16.635532,
  17.32868,
  18.420681,
  43.5,
  69.3125,
  69.314718,
  69.5,
  87.33,
  88.72284,
  88.75,
  103.97,
  2.9444389,
  Math.LN2,
];

const withNeighbours = (x: number) => [-2, -1, 0, 1, 2].map((steps) => neighbour(x, steps));

const EDGES = [...SPECIAL, ...THRESHOLDS.flatMap((x) => [...withNeighbours(x), ...withNeighbours(-x)])];

/** Logits: edges, then dense near 0, up to 95, and on or next to grid points and cell borders (multiples of 1 / 128). */
function logitOf(random: Random): number {
  switch (random.integer(8)) {
    case 0:
      return random.between(-95, 95);
    case 1:
    case 2:
      return random.between(-25, 25);
    case 3:
      return neighbour(
        (random.chance(0.5) ? 1 : -1) * (random.integer(11_136) / 128 + 2 ** -30),
        random.integer(3) - 1,
      );
    default:
      return random.between(-6, 6);
  }
}

/** Positive numbers over the whole range of float32, and dense in [0, 1] and around 1. */
function positiveOf(random: Random): number {
  switch (random.integer(4)) {
    case 0:
      return 2 ** random.between(-126, 127.9);
    case 1:
      return random.uniform();
    case 2:
      return 1 + random.between(-1, 1) * 2 ** random.between(-24, -1);
    default:
      return neighbour((1 + random.integer(8191)) / 4096, random.integer(3) - 1);
  }
}

function fill(name: string, edges: readonly number[], draw: (random: Random) => number): TensorData {
  const random = createRandom(1, name);
  return f32(
    SHAPE,
    Float32Array.from({ length: ELEMENTS }, (_, i) => edges[i] ?? draw(random)),
  );
}

/** Every edge with every target first, then random pairs. */
function lossInputs(edgeTargets: readonly number[], drawTarget: (random: Random) => number): Tensors {
  const edges = EDGES.flatMap((x) => edgeTargets.map(() => x));
  const targets = EDGES.flatMap(() => edgeTargets);
  return { x: fill("logits", edges, logitOf), y: fill("targets", targets, drawTarget) };
}

export const logits = (): Tensors => ({ x: fill("logits", EDGES, logitOf) });
/** Finite: NaN, such as the logarithm of infinity, has many bit patterns. */
export const positives = (): Tensors => ({ x: fill("positives", EDGES.filter(Number.isFinite), positiveOf) });
export const hard = (): Tensors => lossInputs([0, 1], (random) => random.integer(2));
export const soft = (): Tensors =>
  lossInputs([0, 1e-30, 0.1, 0.5, 0.9, 1], (random) => (random.chance(0.25) ? random.integer(2) : random.uniform()));
