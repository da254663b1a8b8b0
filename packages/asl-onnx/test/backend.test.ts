import {
  AslError,
  add,
  Builder,
  f32,
  InputError,
  mul,
  type Program,
  type StateSpec,
  scalar,
  type TensorData,
} from "asl-core";
import * as node from "onnxruntime-node";
import * as web from "onnxruntime-web";
import { describe, expect, it } from "vitest";
import { openCRuntime } from "../src/c-api/runtime.js";
import { onnxBackend } from "../src/runtime/backend.js";
import type { OnnxRuntime } from "../src/runtime/tensors.js";

const vector = { dtype: "f32", shape: [3] } as const;
const spec: StateSpec = {
  weight: { type: vector, role: "parameter", init: { kind: "zeros" } },
  total: { type: vector, role: "slot", init: { kind: "zeros" } },
};

/** total <- total + weight * x; returns weight * x. */
function accumulate(): Program {
  const builder = new Builder();
  const weight = builder.input("w", vector);
  const total = builder.input("t", vector);
  const product = builder.scope("layer.product", () => mul(weight, builder.input("x", vector)));
  return {
    graph: builder.finish({ product, t: add(total, product) }),
    reads: { w: "weight", t: "total" },
    writes: { t: "total" },
    finite: ["product"],
  };
}

const runtimes: Record<string, OnnxRuntime> = {
  "onnxruntime-node": node,
  "its library's C interface": await openCRuntime(),
  "onnxruntime-web (wasm)": web,
};
for (const [name, runtime] of Object.entries(runtimes)) {
  for (const update of ["memory", "graph"] as const) {
    describe(`onnxBackend on ${name}, update in ${update}`, () => {
      const backend = onnxBackend({ runtime, update, threads: 1 });
      const open = () => backend.compile(spec, { accumulate: accumulate() });

      it("keeps state between runs and returns what is not state", async () => {
        await using session = await open();
        await session.write({ weight: f32([3], [1, 2, 3]) });
        const first = await session.run("accumulate", { x: f32([3], [1, 1, 1]) });
        expect(Object.keys(first)).toEqual(["product"]);
        expect([...first.product!.data]).toEqual([1, 2, 3]);
        await session.run("accumulate", { x: f32([3], Float64Array.of(2, 2, 2)) });
        expect([...(await session.read(["total"])).total!.data]).toEqual([3, 6, 9]);
      });

      it("gives and takes copies", async () => {
        await using session = await open();
        const weight = f32([3], [1, 1, 1]);
        await session.write({ weight });
        (weight.data as Float32Array).fill(9);
        const read = (await session.read()).weight!;
        expect([...read.data]).toEqual([1, 1, 1]);
        (read.data as Float32Array).fill(9);
        expect([...(await session.read(["weight"])).weight!.data]).toEqual([1, 1, 1]);
      });

      it("runs calls in their order", async () => {
        await using session = await open();
        const written = session.write({ weight: f32([3], [1, 1, 1]) });
        const runs = [1, 2, 3].map((x) => session.run("accumulate", { x: f32([3], [x, x, x]) }));
        const read = session.read(["total"]);
        await written;
        await Promise.all(runs);
        expect([...(await read).total!.data]).toEqual([6, 6, 6]);
      });

      it("refuses what does not fit, by name", async () => {
        await using session = await open();
        const x: TensorData = f32([3], [1, 1, 1]);
        await expect(session.run("acumulate" as "accumulate", { x })).rejects.toThrow(
          'no program is called "acumulate"; this session has accumulate',
        );
        await expect(session.run("accumulate", {})).rejects.toThrow(/feed "x" f32\[3\] is missing/);
        await expect(session.run("accumulate", { x: scalar(1) })).rejects.toThrow(/must be f32\[3\]; got f32\[\]/);
        await expect(session.write({ weigth: x })).rejects.toThrow(/"weigth" does not exist/);
        await expect(session.read(["bias"])).rejects.toThrow(/"bias" does not exist/);
      });

      it("is over when it is disposed", async () => {
        const session = await open();
        await session[Symbol.asyncDispose]();
        await session[Symbol.asyncDispose]();
        await expect(session.run("accumulate", { x: f32([3], [1, 1, 1]) })).rejects.toThrow(InputError);
      });
    });
  }
}

/** weight * total, reading state only. */
function product(): Program {
  const builder = new Builder();
  const y = mul(builder.input("w", vector), builder.input("t", vector));
  const x = builder.input("x", vector);
  return { graph: builder.finish({ y: add(y, x) }), reads: { w: "weight", t: "total" }, writes: {}, finite: ["y"] };
}

for (const inference of ["folded", "fed"] as const) {
  for (const update of ["memory", "graph"] as const) {
    it(`a program that only reads sees every change of the state (state ${inference}, update in ${update})`, async () => {
      const backend = onnxBackend({ runtime: node, inference, update, threads: 1 });
      await using session = await backend.compile(spec, { accumulate: accumulate(), product: product() });
      const zero = f32([3], [0, 0, 0]);
      const y = async () => [...(await session.run("product", { x: zero })).y!.data];
      expect(await y()).toEqual([0, 0, 0]);
      await session.write({ weight: f32([3], [1, 2, 3]), total: f32([3], [1, 1, 1]) });
      expect(await y()).toEqual([1, 2, 3]);
      expect(await y()).toEqual([1, 2, 3]);
      await session.run("accumulate", { x: f32([3], [1, 1, 1]) });
      expect(await y()).toEqual([2, 6, 12]);
      await session.write({ weight: f32([3], [0, 0, NaN]) });
      await expect(y()).rejects.toThrow(/every value must be finite/);
    });
  }
}

describe("errors of ONNX Runtime", () => {
  it("name the program and the scope of the node", async () => {
    const builder = new Builder();
    const indices = builder.input("indices", { dtype: "i32", shape: [1] });
    const table = builder.input("table", vector);
    const y = builder.scope("embedding.lookup", () => builder.apply("gather", [table, indices], { axis: 0 }));
    const program: Program = { graph: builder.finish({ y }), reads: {}, writes: {}, finite: [] };
    await using session = await onnxBackend({ runtime: node }).compile({}, { look: program });
    const run = session.run("look", {
      table: f32([3], [1, 2, 3]),
      indices: { type: { dtype: "i32", shape: [1] }, data: Int32Array.of(7) },
    });
    await expect(run).rejects.toThrow(AslError);
    await expect(run).rejects.toThrow(/program look: ONNX Runtime could not run: .*embedding\.lookup/);
  });
});
