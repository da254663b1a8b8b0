import { AslError, add, Builder, build, f32, mul, NonFiniteError, type Program, type StateSpec } from "asl-core";
import { evaluate } from "asl-reference";
import { describe, expect, it } from "vitest";
import { webgpuBackend } from "../src/backend.js";
import { webgpuNodeBackend } from "../src/node.js";
import { OutOfMemoryError } from "../src/runtime/errors.js";
import { SKIPPED, webgpu } from "./adapter.js";

const vector = { dtype: "f32", shape: [3] } as const;
const spec: StateSpec = {
  weight: { type: vector, role: "parameter", init: { kind: "zeros" } },
  total: { type: vector, role: "slot", init: { kind: "zeros" } },
};

/** total <- total + weight * x, which must be finite; returns weight * x. */
function accumulate(): Program {
  const builder = new Builder();
  const weight = builder.input("w", vector);
  const total = builder.input("t", vector);
  const product = builder.scope("layer.product", () => mul(weight, builder.input("x", vector)));
  return {
    graph: builder.finish({ product, t: add(total, product) }),
    reads: { w: "weight", t: "total" },
    writes: { t: "total" },
    finite: ["t"],
  };
}

describe.skipIf(SKIPPED)(`a session${SKIPPED === undefined ? "" : ` (${SKIPPED})`}`, () => {
  it("a written output that is not finite is an error, and the state stays as it was", async () => {
    await using session = await webgpu.compile(spec, { accumulate: accumulate() });
    await session.write({ weight: f32([3], [1, 1, 1]), total: f32([3], [5, 6, 7]) });
    const bad = session.run("accumulate", { x: f32([3], [1, Number.POSITIVE_INFINITY, 1]) });
    await expect(bad).rejects.toThrow(NonFiniteError);
    expect([...(await session.read(["total"])).total!.data]).toEqual([5, 6, 7]);
    const { product } = await session.run("accumulate", { x: f32([3], [1, 2, 3]) });
    expect([...product!.data]).toEqual([1, 2, 3]);
    expect([...(await session.read(["total"])).total!.data]).toEqual([6, 8, 10]);
  });

  it("tells how many kernels it has compiled", async () => {
    const seen: string[] = [];
    const backend = webgpuNodeBackend({ onProgress: ({ done, total }) => seen.push(`${done}/${total}`) });
    await using _session = await backend.compile(spec, { accumulate: accumulate() });
    expect(seen.at(-1)).toMatch(/^(\d+)\/\1$/);
  });

  it("refuses what a buffer cannot hold, with the numbers, the type and the scope", async () => {
    const graph = build((b) => {
      const x = b.input("x", { dtype: "f32", shape: [1] });
      return b.scope("layer1.huge", () => {
        const huge = b.apply("broadcast", [add(x, 1)], { shape: [2 ** 28, 16, 1], axes: [2] });
        return { huge };
      });
    });
    const compiled = webgpu.compile({}, { grow: { graph, reads: {}, writes: {}, finite: [] } });
    await expect(compiled).rejects.toThrow(OutOfMemoryError);
    await expect(compiled).rejects.toThrow(
      /program grow: a value f32\[268435456,16,1\] \(layer1\.huge\) takes 17179869184 bytes; .* at most \d+/,
    );
  });

  it("refuses state that a buffer cannot hold, with the numbers and the name", async () => {
    const type = { dtype: "f32", shape: [2 ** 32] } as const;
    const huge: StateSpec = { "head.huge": { type, role: "parameter", init: { kind: "zeros" } } };
    const compiled = webgpu.compile(huge, {});
    await expect(compiled).rejects.toThrow(OutOfMemoryError);
    await expect(compiled).rejects.toThrow(/state "head\.huge" takes 17179869184 bytes; .* at most \d+/);
  });

  it.each([8, 50, 150])("joins %i tensors, more than a kernel may bind", async (count) => {
    const parts = Array.from({ length: count }, (_, i) => f32([1, (i % 3) + 1], new Float32Array((i % 3) + 1).fill(i)));
    const graph = build((b) => {
      const inputs = parts.map(({ type }, i) => b.input(`x${i}`, type));
      return {
        joined: b.apply("concat", inputs, { axis: 1 }),
        repeated: b.apply("concat", [...inputs, ...inputs], { axis: 1 }),
      };
    });
    await using session = await webgpu.compile({}, { join: { graph, reads: {}, writes: {}, finite: [] } });
    const feeds = Object.fromEntries(parts.map((part, i) => [`x${i}`, part]));
    const expected = parts.flatMap(({ data }) => [...data]);
    const { joined, repeated } = await session.run("join", feeds);
    expect([...joined!.data]).toEqual(expected);
    expect([...repeated!.data]).toEqual([...expected, ...expected]);
  });

  it("joins tensors that are read at other places, each from more than one buffer", async () => {
    const feeds = Object.fromEntries(
      Array.from({ length: 16 }, (_, i) => [`x${i}`, f32([2, 2], [i, i + 0.25, i + 0.5, i + 0.75])]),
    );
    const graph = build((b) => {
      const pairs = Array.from({ length: 8 }, (_, i) => {
        const pair = [2 * i, 2 * i + 1].map((k) => b.input(`x${k}`, { dtype: "f32", shape: [2, 2] }));
        return b.apply("transpose", [b.apply("concat", pair, { axis: 0 })], { permutation: [1, 0] });
      });
      return {
        joined: b.apply("concat", pairs.slice(0, 7), { axis: 1 }),
        rest: b.apply("concat", pairs.slice(1), { axis: 1 }),
      };
    });
    const program: Program = { graph, reads: {}, writes: {}, finite: [] };
    await using session = await webgpu.compile({}, { join: program });
    const [expected, actual] = [evaluate(graph, feeds, { precision: "f32" }), await session.run("join", feeds)];
    for (const name of ["joined", "rest"]) expect(actual[name]!.data).toEqual(expected[name]!.data);
  });

  it("reads the first or last row of a table for an index outside of it", async () => {
    const graph = build((b) => {
      const table = b.input("table", vector);
      return { rows: b.apply("gather", [table, b.input("indices", { dtype: "i32", shape: [4] })], { axis: 0 }) };
    });
    await using session = await webgpu.compile({}, { look: { graph, reads: {}, writes: {}, finite: [] } });
    const indices = { type: { dtype: "i32", shape: [4] }, data: Int32Array.of(-5, 0, 2, 3) } as const;
    const { rows } = await session.run("look", { table: f32([3], [1, 2, 3]), indices });
    expect([...rows!.data]).toEqual([1, 1, 3, 3]);
  });

  it("truth values and integers pass through memory unchanged", async () => {
    const graph = build((b) => ({
      flags: b.input("flags", { dtype: "bool", shape: [5] }),
      numbers: b.apply("transpose", [b.input("numbers", { dtype: "i32", shape: [2, 2] })], { permutation: [1, 0] }),
    }));
    await using session = await webgpu.compile({}, { pass: { graph, reads: {}, writes: {}, finite: [] } });
    const { flags, numbers } = await session.run("pass", {
      flags: { type: { dtype: "bool", shape: [5] }, data: Uint8Array.of(0, 1, 1, 0, 1) },
      numbers: { type: { dtype: "i32", shape: [2, 2] }, data: Int32Array.of(1, -2, 2147483647, -2147483648) },
    });
    expect(flags!.data).toEqual(Uint8Array.of(0, 1, 1, 0, 1));
    expect(numbers!.data).toEqual(Int32Array.of(1, 2147483647, -2, -2147483648));
  });
});

it("without WebGPU, says where it is to be had", async () => {
  const compiled = webgpuBackend({ name: "webgpu" }).compile({}, {});
  await expect(compiled).rejects.toThrow(AslError);
  await expect(compiled).rejects.toThrow(/no WebGPU \(navigator\.gpu\).*asl-webgpu\/node/);
});

it("without an adapter, says what was looked for and what to install", async () => {
  const backend = webgpuNodeBackend({ dawn: ["adapter=no such adapter"] });
  await expect(backend.compile({}, {})).rejects.toThrow(/offers no adapter.*looked for.*nstall|driver/);
});
