// The best rate that ONNX Runtime reaches on this processor in one matrix product: float32 and integers.
import { createRandom } from "asl-core";
import { encodeModel } from "asl-onnx";
import ort from "onnxruntime-node";
import { nodeTimes } from "./profile.mjs";

/** Large enough for the best rate, and done in a few milliseconds, so that some runs have a processor to themselves. */
export const N = 512;
/** For one of a network. */
const RUNS = 10;
const DATA_TYPE = { float32: 1, uint8: 2, int8: 3, int32: 6 };
const ARRAYS = { float32: Float32Array, uint8: Uint8Array, int8: Int8Array };

/** What is multiplied: left as activations are, right as weights are. */
const PRODUCTS = {
  "float32 x float32": { op: "MatMul", left: "float32", right: "float32", result: "float32" },
  "uint8 x int8": { op: "MatMulInteger", left: "uint8", right: "int8", result: "int32" },
  "uint8 x uint8": { op: "MatMulInteger", left: "uint8", right: "uint8", result: "int32" },
  "int8 x int8": { op: "MatMulInteger", left: "int8", right: "int8", result: "int32" },
};

/** Rows {name, rate}: operations a second, two for each multiplication, of N x N x N. */
export async function productRates({ threads, runs, folder }) {
  const rows = [];
  for (const [name, product] of Object.entries(PRODUCTS)) {
    const left = new ort.Tensor(product.left, values(product.left), [N, N]);
    const [node] = await nodeTimes(modelOf(product), { left }, { threads, runs: RUNS * runs, folder });
    rows.push({ name, rate: (2 * N ** 3) / node.seconds });
  }
  return rows;
}

function modelOf({ op, left, right, result }) {
  const { buffer } = values(right);
  const value = (name, type) => ({
    name,
    type: { tensorType: { elemType: DATA_TYPE[type], shape: { dim: [{ dimValue: N }, { dimValue: N }] } } },
  });
  return encodeModel({
    irVersion: 8,
    opsetImport: [{ domain: "", version: 17 }],
    graph: {
      name: "product",
      node: [{ name: "product", opType: op, input: ["left", "right"], output: ["result"], attribute: [] }],
      initializer: [{ name: "right", dims: [N, N], dataType: DATA_TYPE[right], rawData: new Uint8Array(buffer) }],
      input: [value("left", left)],
      output: [value("result", result)],
    },
  });
}

/** int8 within 7 bits, as weights are. */
function values(type) {
  const random = createRandom(0, type);
  const draw = {
    float32: () => random.uniform(),
    uint8: () => 255 * random.uniform(),
    int8: () => 126 * random.uniform() - 63,
  };
  return ARRAYS[type].from({ length: N * N }, draw[type]);
}
