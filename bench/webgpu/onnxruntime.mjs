// ONNX Runtime Web's WebGPU execution provider on the file that asl-onnx exports: batch norm folded, weights inside.
import { f32 } from "asl-core";
import { encodeModel, exportOnnx, toOnnxModel } from "asl-onnx";
import * as ort from "onnxruntime-web/webgpu";
import { measured, unused } from "./measured.mjs";

ort.env.wasm.numThreads = 1;
ort.env.logLevel = "error";
const open = (bytes) => ort.InferenceSession.create(bytes, { executionProviders: ["webgpu"] });

export default measured({
  name: "onnxruntime-web",
  async compile(spec, programs) {
    const [{ graph, reads }] = Object.values(programs);
    const isStateless = Object.keys(spec).length === 0;
    let session = isStateless ? await open(encodeModel(toOnnxModel(graph).model)) : undefined;
    return {
      read: unused("read"),
      async write(state) {
        const inputs = Object.keys(graph.inputs).filter((name) => reads[name] === undefined);
        session = await open(exportOnnx({ graph: () => graph, state, batch: 1 }));
        if (inputs.some((name) => !session.inputNames.includes(name))) throw new Error(`inputs ${session.inputNames}`);
      },
      async run(_program, feeds) {
        const tensors = Object.entries(feeds).map(([name, { type, data }]) => [
          name,
          new ort.Tensor("float32", data, type.shape),
        ]);
        const results = await session.run(Object.fromEntries(tensors));
        return Object.fromEntries(Object.entries(results).map(([name, { dims, data }]) => [name, f32(dims, data)]));
      },
      [Symbol.asyncDispose]: async () => session?.release(),
    };
  },
});
