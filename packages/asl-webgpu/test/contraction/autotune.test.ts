import type { TensorType } from "asl-core";
import { describe, expect, it } from "vitest";
import { graphOf } from "../../../../test/contract.js";
import { tuningIO } from "../../src/contraction/autotune.js";
import {
  type ContractionNode,
  contractionKey,
  deviceTuning,
  problemOf,
  tuneContraction,
} from "../../src/contraction/index.js";
import { opened, SKIPPED } from "./device.js";
import { planOf } from "./one-contraction.js";

/** A device of which some members are others. */
const withMembers = (device: GPUDevice, members: Partial<Record<keyof GPUDevice, unknown>>): GPUDevice =>
  new Proxy(device, {
    get(target, name) {
      if (Object.hasOwn(members, name)) return members[name as keyof GPUDevice];
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });

const contractionOf = (...shapes: (readonly [number, number])[]) => {
  const graph = graphOf(
    "matmul",
    shapes.map((shape) => matrix(...shape)),
    {},
  );
  const node = graph.nodes[0] as ContractionNode;
  return {
    graph,
    node,
    types: { inputs: node.inputs.map((id) => graph.types[id]!), output: graph.types[node.output]! },
  };
};

const limitsOf = ({ limits }: GPUDevice, changed: Partial<Record<keyof GPUSupportedLimits, number>>) =>
  new Proxy(limits, {
    get: (target, name) => changed[name as keyof GPUSupportedLimits] ?? (Reflect.get(target, name, target) as unknown),
  });

const matrix = (...shape: number[]): TensorType => ({ dtype: "f32", shape });

describe.skipIf(SKIPPED)(`autotuner ${SKIPPED ?? ""}`, () => {
  it("times its candidates; the choice survives JSON and makes the same kernels when it is pinned", async () => {
    const { device } = opened!;
    const { graph, node, types } = contractionOf([24, 40], [40, 32]);
    const tuned = (await tuneContraction(device, node, types, { runs: 1, mostCandidates: 4 }))!;
    expect(tuned.key).toBe("matmul 1 m24 n32 k40");
    expect(tuned.trials).toHaveLength(4);
    expect(tuned.trials.every(({ seconds }) => seconds > 0 && seconds < Number.POSITIVE_INFINITY)).toBe(true);
    const least = Math.min(...tuned.trials.map(({ seconds }) => seconds));
    expect(tuned.trials.find(({ tile }) => tile === tuned.tile)!.seconds).toBe(least);
    const pinned = JSON.parse(JSON.stringify({ [tuned.key]: tuned.tile }));
    const tuning = deviceTuning(device);
    expect(planOf({ graph }, deviceTuning(device, pinned))).toEqual(planOf({ graph }, { ...tuning, tile: tuned.tile }));
  });

  it("has nothing to choose for an empty result", async () => {
    const { node, types } = contractionOf([0, 4], [4, 3]);
    expect(await tuneContraction(opened!.device, node, types)).toBeUndefined();
  });

  it("lets no candidate win that the device refuses to run", async () => {
    const { device } = opened!;
    const { node, types } = contractionOf([24, 40], [40, 32]);
    const options = { runs: 1, mostCandidates: 3 };
    const all = (await tuneContraction(device, node, types, options))!.trials;
    let pipelines = 0;
    // compiles, but the bind group is not one of its layout: commands with it are refused, which takes no time
    const createComputePipelineAsync = (descriptor: GPUComputePipelineDescriptor) =>
      device.createComputePipelineAsync(pipelines++ === 1 ? { ...descriptor, layout: "auto" } : descriptor);
    const uncaptured: string[] = [];
    const note = ({ error }: GPUUncapturedErrorEvent) => uncaptured.push(error.message);
    device.addEventListener("uncapturederror", note);
    const tuned = await tuneContraction(withMembers(device, { createComputePipelineAsync }), node, types, options);
    await device.queue.onSubmittedWorkDone();
    device.removeEventListener("uncapturederror", note);
    expect(tuned!.trials.map(({ tile }) => tile)).toEqual([all[0]!.tile, all[2]!.tile]);
    expect(uncaptured).toEqual([]);
  });

  it("passes over what needs more workgroups than a dispatch has, and shapes that the device has no room for", async () => {
    const { device } = opened!;
    const { node, types } = contractionOf([4, 4], [4, 512]);
    const few = withMembers(device, { limits: limitsOf(device, { maxComputeWorkgroupsPerDimension: 2 }) });
    const options = { runs: 1, mostCandidates: 5 };
    const { length } = (await tuneContraction(few, node, types, options))!.trials;
    expect(length).toBeGreaterThan(0);
    expect(length).toBeLessThan(options.mostCandidates);

    const roomy = limitsOf(device, { maxBufferSize: 2 ** 40, maxStorageBufferBindingSize: 2 ** 40 });
    const large = contractionOf([2 ** 16, 2 ** 14], [2 ** 14, 1]);
    expect(await tuneContraction(withMembers(device, { limits: roomy }), large.node, large.types)).toBeUndefined();
  });

  it("reads and writes 16 bits where a program does, and names that in the key", () => {
    const { node, types } = contractionOf([8, 8], [8, 8]);
    const isHalf = [true, false, true];
    const io = tuningIO(isHalf);
    expect(io.enables).toEqual(["f16"]);
    expect(io.declarations).toMatchInlineSnapshot(`
      "@group(0) @binding(0) var<storage, read> x0: array<f16>;
      @group(0) @binding(1) var<storage, read> x1: array<f32>;
      @group(0) @binding(2) var<storage, read> four0: array<vec4<f16>>;
      @group(0) @binding(3) var<storage, read> four1: array<vec4<f32>>;
      @group(0) @binding(4) var<storage, read_write> y: array<f16>;
      @group(0) @binding(5) var<storage, read_write> scratch: array<f32>;
      "
    `);
    expect([io.load(0, "i"), io.loadVec4!(0, "i"), io.store("i", "sum")]).toEqual([
      "f32(x0[i])",
      "vec4<f32>(four0[(i) / 4u])",
      "y[i] = f16(sum);",
    ]);
    const problem = problemOf(node.op, types.inputs, types.output, node.attrs);
    expect(contractionKey("matmul", problem, isHalf)).toBe("matmul 1 m8 n8 k8 f16 x0.y");
    expect(contractionKey("matmul", problem, [false, false, false])).toBe("matmul 1 m8 n8 k8");
  });
});
