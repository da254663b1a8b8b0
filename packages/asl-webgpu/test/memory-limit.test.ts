import {
  add,
  asymmetricLoss,
  Builder,
  batchNormTrain,
  blurPool,
  conv2d,
  createRandom,
  f32,
  globalMean,
  grad,
  leakyRelu,
  linear,
  mul,
  type Program,
  relu,
  type StateSpec,
  sizeOf,
  squeezeExcite,
  sub,
  type Tensors,
  trainProgram,
  tresnet,
  type Value,
} from "asl-core";
import { evaluate } from "asl-reference";
import { describe, expect, it } from "vitest";
import { explain, OutOfMemoryError, planMemory } from "../src/index.js";
import { webgpuNodeBackend } from "../src/node.js";
import { planProgram } from "../src/plan/program-plan.js";
import { defaultTarget } from "../src/plan/target.js";
import { SKIPPED } from "./adapter.js";

const random = createRandom("webgpu", "memory limit");
const draw = (shape: readonly number[], low: number, high: number) =>
  f32(
    shape,
    Float32Array.from({ length: sizeOf(shape) }, () => random.between(low, high)),
  );

const model = tresnet({ blocks: [1, 1, 1, 1], planes: 8, basicStages: 2, classes: 4 });
const program = trainProgram({ model, batchSize: 2, imageSize: 32, loss: (x, y) => asymmetricLoss(x, y) });
const unlimited = planMemory(program);
const memoryLimit = 0.65 * unlimited.plannedBytes;

describe("a training step under a memory limit", () => {
  it("is planned within it, and says what that costs", () => {
    const limited = planMemory(program, { memoryLimit });
    expect(limited.plannedBytes).toBeLessThanOrEqual(memoryLimit);
    expect(limited.repeatedFlops).toBeGreaterThan(0);
    expect(limited.repeatedFlops).toBeLessThan(0.3 * explain(program).flops);
    expect(explain(program, { memoryLimit }).kernels.length).toBeGreaterThan(explain(program).kernels.length);
  });

  it("gives the same bits, state and running statistics included, where its nodes run one by one", () => {
    const plans = [planProgram(program, defaultTarget()), planProgram(program, defaultTarget(), { memoryLimit })];
    const feeds = Object.fromEntries(
      // everything positive, as variances and second moments must be
      Object.entries(program.graph.inputs).map(([name, id]) => [name, draw(program.graph.types[id]!.shape, 0.01, 0.3)]),
    );
    const [plain, limited] = plans.map(({ graph }) => evaluate(graph, feeds, { precision: "f32" }));
    expect(plans[1]!.graph.nodes.length).toBeGreaterThan(plans[0]!.graph.nodes.length);
    expect(limited).toEqual(plain);
  });

  it("is the step without a limit where that keeps it", () => {
    expect(planMemory(program, { memoryLimit: unlimited.plannedBytes })).toEqual(unlimited);
    expect(unlimited.repeatedFlops).toBe(0);
  });

  it("gets by without repeating a product for as long as elementwise chains are enough", () => {
    const { repeatedFlops } = planMemory(program, { memoryLimit: 0.85 * unlimited.plannedBytes });
    expect(repeatedFlops).toBeLessThan(0.01 * explain(program).flops);
  });

  it("is refused with the numbers where no plan keeps it", () => {
    const plan = () => planMemory(program, { memoryLimit: 1000 });
    expect(plan).toThrow(OutOfMemoryError);
    expect(plan).toThrow(
      new RegExp(
        `^memoryLimit is 1000 bytes .* take ${unlimited.plannedBytes} without a limit, and \\d+ in the smallest .* Allow more`,
      ),
    );
    expect(() => planMemory(program, { memoryLimit: -1 })).toThrow(/memoryLimit must be .* above 0; got -1/);
  });
});

/** A block of TResNet with a stem and a head: one step of gradient descent, running means. */
function blockStep(): { readonly spec: StateSpec; readonly step: Program } {
  const builder = new Builder();
  const spec: Record<string, StateSpec[string]> = {};
  const writes: Record<string, string> = {};
  const declare = (name: string, shape: readonly number[], role: "parameter" | "buffer") => {
    const type = { dtype: "f32", shape } as const;
    spec[name] = { type, role, init: { kind: "zeros" } };
    return builder.input(name, type);
  };
  const parameters = new Map<string, Value>();
  const updates: Record<string, Value> = {};
  const parameter = (name: string, ...shape: number[]) => {
    const value = declare(name, shape, "parameter");
    parameters.set(name, value);
    return value;
  };
  const convBn = (name: string, x: Value, channels: number) => {
    const kernel = parameter(`${name}.conv`, channels, x.shape[1]!, 3, 3);
    const [scale, bias] = [parameter(`${name}.scale`, channels), parameter(`${name}.bias`, channels)];
    const { y, statistics } = batchNormTrain(conv2d(x, kernel, { padding: 1 }), scale, bias, 1e-5);
    const running = declare(`${name}.mean`, [channels], "buffer");
    updates[`${name}.mean`] = add(mul(running, 0.9), mul(statistics.mean, 0.1));
    return y;
  };
  const images = builder.input("images", { dtype: "f32", shape: [2, 3, 16, 16] });
  const targets = builder.input("targets", { dtype: "f32", shape: [2, 4] });
  const stem = leakyRelu(convBn("stem", images, 8), 0.01);
  const inner = leakyRelu(convBn("conv1", stem, 8), 0.001);
  const fc = (name: string) => ({
    weight: parameter(`${name}.weight`, 8, 8, 1, 1),
    bias: parameter(`${name}.bias`, 8),
  });
  const branch = squeezeExcite(convBn("conv2", inner, 8), { fc1: fc("fc1"), fc2: fc("fc2") });
  const pooled = globalMean(blurPool(relu(add(branch, stem))));
  const logits = linear(pooled, parameter("head.weight", 4, 8), parameter("head.bias", 4));
  const loss = asymmetricLoss(logits, targets);
  const gradients = grad(loss, [...parameters.values()]);
  [...parameters].forEach(([name, value], i) => {
    updates[name] = sub(value, mul(gradients[i]!, 0.01));
  });
  const outputs: Record<string, Value> = { loss, logits };
  for (const [name, value] of Object.entries(updates)) {
    outputs[`next.${name}`] = value;
    writes[`next.${name}`] = name;
  }
  const reads = Object.fromEntries(Object.keys(spec).map((name) => [name, name]));
  return { spec, step: { graph: builder.finish(outputs), reads, writes, finite: ["loss", "logits"] } };
}

describe.skipIf(SKIPPED)(`on a device${SKIPPED === undefined ? "" : ` (${SKIPPED})`}`, () => {
  const { spec, step } = blockStep();

  it("a step gives the same bits, in what it returns and in all state, running means included", async () => {
    const tight = 0.75 * planMemory(step).plannedBytes;
    expect(planMemory(step, { memoryLimit: tight }).repeatedFlops).toBeGreaterThan(0);
    const state = Object.fromEntries(
      Object.entries(spec).map(([name, { type }]) => [name, draw(type.shape, -0.3, 0.3)]),
    );
    const feeds = [0, 1].map(() => ({
      images: draw([2, 3, 16, 16], 0, 1),
      targets: f32([2, 4], [1, 0, 0, 1, 0, 1, 0, 0]),
    }));
    const trained = async (options: { readonly memoryLimit?: number }) => {
      await using session = await webgpuNodeBackend(options).compile(spec, { step });
      await session.write(state);
      const returned: Tensors[] = [];
      for (const feed of feeds) returned.push(await session.run("step", feed));
      return { returned, state: await session.read() };
    };
    expect(await trained({ memoryLimit: tight })).toEqual(await trained({}));
  });

  it("does not compile where no plan keeps the limit", async () => {
    const compiled = webgpuNodeBackend({ memoryLimit: 1000 }).compile(spec, { step });
    await expect(compiled).rejects.toThrow(OutOfMemoryError);
  });
});
