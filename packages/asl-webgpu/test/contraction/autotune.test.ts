import type { TensorType } from "asl-core";
import { describe, expect, it } from "vitest";
import { graphOf } from "../../../../test/contract.js";
import { type ContractionNode, deviceTuning, tuneContraction } from "../../src/contraction/index.js";
import { opened, SKIPPED } from "./device.js";
import { planOf } from "./one-contraction.js";

const matrix = (...shape: number[]): TensorType => ({ dtype: "f32", shape });

describe.skipIf(SKIPPED)(`autotuner ${SKIPPED ?? ""}`, () => {
  it("times its candidates; the choice survives JSON and makes the same kernels when it is pinned", async () => {
    const { device } = opened!;
    const graph = graphOf("matmul", [matrix(24, 40), matrix(40, 32)], {});
    const node = graph.nodes[0] as ContractionNode;
    const types = { inputs: node.inputs.map((id) => graph.types[id]!), output: graph.types[node.output]! };
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
    const graph = graphOf("matmul", [matrix(0, 4), matrix(4, 3)], {});
    const node = graph.nodes[0] as ContractionNode;
    const types = { inputs: node.inputs.map((id) => graph.types[id]!), output: graph.types[node.output]! };
    expect(await tuneContraction(opened!.device, node, types)).toBeUndefined();
  });
});
