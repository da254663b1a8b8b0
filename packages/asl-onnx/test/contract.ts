import type { AttrsOf, Graph, OpName, TensorData, Tensors } from "asl-core";
import * as runtime from "onnxruntime-node";
import * as contract from "../../../test/contract.js";
import { onnxBackend } from "../src/runtime/backend.js";

export { dyadic, expectSameBits, graphOf, noise } from "../../../test/contract.js";

const backend = onnxBackend({ runtime, threads: 1 });

/** Runs a graph without state on ONNX Runtime. */
export const runOnnx = (graph: Graph, feeds: Tensors): Promise<Tensors> => contract.runOn(backend, graph, feeds);

/** Runs one op on ONNX Runtime and holds it to the op's contract. */
export const expectContract = <K extends OpName>(
  op: K,
  inputs: readonly TensorData[],
  attrs: AttrsOf<K>,
): Promise<TensorData> => contract.expectContract(backend, op, inputs, attrs);
