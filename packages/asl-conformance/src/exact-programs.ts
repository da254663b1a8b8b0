import {
  type AsymmetricLossOptions,
  Builder,
  createRandom,
  exactAsymmetricLoss,
  exactAsymmetricLossOptimized,
  exactExp,
  exactLog,
  exactLogSigmoid,
  exactPower,
  exactReciprocal,
  exactSigmoid,
  exactSum,
  f32,
  type Graph,
  grad,
  type Random,
  type Shape,
  type TensorData,
  type Tensors,
  type Value,
} from "asl-core";
import { evaluate } from "asl-reference";
import type { Fixture } from "./fixture.js";

type Values = Readonly<Record<string, Value>>;

/** A program of asl-core's exact functions: its inputs and outputs. */
interface ExactProgram {
  readonly name: string;
  readonly draws: Readonly<Record<string, (random: Random) => number>>;
  readonly body: (inputs: Values) => Values;
}

const logit = (random: Random) => (random.chance(0.8) ? 4 * random.normal() : random.between(-100, 100));
const probability = (random: Random) => (random.chance(0.5) ? random.uniform() : 2 ** -random.between(0, 40));
const positive = (random: Random) => random.between(1, 2) * 2 ** Math.floor(random.between(-99, 99));
const hard = (random: Random) => Number(random.chance(0.3));

const unary = (name: string, f: (x: Value) => Value, draw: (random: Random) => number): ExactProgram => ({
  name,
  draws: { x: draw },
  body: ({ x }) => ({ y: f(x!) }),
});

type Loss = (logits: Value, targets: Value, options: AsymmetricLossOptions) => Value;

/** The summed loss and its gradient. */
const loss = (
  name: string,
  lossOf: Loss,
  options: AsymmetricLossOptions,
  target: (random: Random) => number = hard,
): ExactProgram => ({
  name,
  draws: { x: logit, y: target },
  body({ x, y }) {
    const total = lossOf(x!, y!, options);
    return { loss: total, gradient: grad(total, [x!])[0]! };
  },
});

export const EXACT_PROGRAMS: readonly ExactProgram[] = [
  unary("sigmoid", exactSigmoid, logit),
  unary("log-sigmoid", exactLogSigmoid, logit),
  unary("exp", exactExp, (random) => random.between(-100, 90)),
  unary("log", exactLog, (random) => (random.chance(0.5) ? probability(random) : positive(random))),
  unary("reciprocal", exactReciprocal, positive),
  unary("power-4", (x) => exactPower(x, 4), probability),
  unary("power-2.5", (x) => exactPower(x, 2.5), probability),
  unary("power-0.3", (x) => exactPower(x, 0.3), probability),
  unary("sum", exactSum, (random) => random.normal() * 2 ** random.between(-20, 20)),
  loss("asymmetric-loss", exactAsymmetricLoss, {}),
  loss("asymmetric-loss-optimized", exactAsymmetricLossOptimized, {}),
  loss("asymmetric-loss-soft-targets", exactAsymmetricLoss, { clip: 0 }, (random) => random.uniform()),
  loss("asymmetric-loss-fractional-gammas", exactAsymmetricLoss, {
    gammaNeg: 2.5,
    gammaPos: 0.5,
    detachFocusingWeight: false,
    targets: "hard",
  }),
];

/** Where rules and tables begin and end. */
const EDGES = [0, -0, 1, -1, 0.5, 2 ** -24, 1 - 2 ** -24, 18, -18, 69.5, -69.5, 69.6, 88.7, 100, -100, 2 ** -99, 1e-8];

/**
 * asl-core's exact functions and losses: the bits that float32 arithmetic, correctly
 * rounded op by op, gives on the reference. They are built from asl-core, not read from a file, so that they are always
 * those of the release; how accurate they are is shown by asl-core's own tests. `elements` per input, in rows of 128.
 */
export function exactPrograms(elements = 131_072): readonly Fixture[] {
  const shape = [Math.ceil(elements / 128), 128];
  return EXACT_PROGRAMS.map((program) => {
    const graph = graphOf(program, shape);
    let inputs: Tensors | undefined;
    let expected: Tensors | undefined;
    const drawn = () => {
      inputs ??= inputsOf(program, shape);
      return inputs;
    };
    return {
      name: `exact-functions/${program.name}`,
      subject: "exact-functions",
      kind: "random",
      tier: "exact",
      graph,
      // both once for all backends, and only if the case is run
      get inputs() {
        return drawn();
      },
      get expected() {
        expected ??= evaluate(graph, drawn(), { precision: "f32" });
        return expected;
      },
    };
  });
}

function graphOf({ draws, body }: ExactProgram, shape: Shape): Graph {
  const builder = new Builder();
  const inputs = Object.keys(draws).map((name) => [name, builder.input(name, { dtype: "f32", shape })] as const);
  return builder.finish(body(Object.fromEntries(inputs)));
}

function inputsOf({ name, draws }: ExactProgram, shape: Shape): Tensors {
  const size = shape.reduce((product, extent) => product * extent, 1);
  return Object.fromEntries(
    Object.entries(draws).map(([input, draw]): [string, TensorData] => {
      const random = createRandom("asl-conformance exact", name, input);
      const data = Float32Array.from({ length: size }, () => draw(random));
      if (input === "x" && !name.startsWith("power")) data.set(EDGES.slice(0, size));
      return [input, f32(shape, data)];
    }),
  );
}
