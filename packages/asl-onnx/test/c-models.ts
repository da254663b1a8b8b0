import { openCRuntime } from "../src/c-api/runtime.js";
import { encodeModel } from "../src/index.js";
import type { ValueInfoProto } from "../src/proto/messages.js";

export const c = await openCRuntime();

export const QUIET = { logSeverityLevel: 4 } as const;

/** A model of one operator, as bytes from x to y of one type and shape. */
export function modelOf(opType: string, elemType: number, extents: readonly (number | string)[] = ["n"]): Uint8Array {
  const shape = { dim: extents.map((each) => (typeof each === "string" ? { dimParam: each } : { dimValue: each })) };
  const value = (name: string): ValueInfoProto => ({ name, type: { tensorType: { elemType, shape } } });
  return encodeModel({
    irVersion: 8,
    opsetImport: [{ domain: "", version: 17 }],
    graph: {
      name: "one",
      node: [{ name: "node", opType, input: ["x"], output: ["y"], attribute: [] }],
      initializer: [],
      input: [value("x")],
      output: [value("y")],
    },
  });
}

export const floats = (data: readonly number[] | Float32Array, dims: readonly number[] = [data.length]) =>
  new c.Tensor("float32", Float32Array.from(data), [...dims]);
