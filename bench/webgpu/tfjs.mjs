// TensorFlow.js on WebGPU as somebody would write it there: its layout (channels last), its own fused kernels, batch norm
// folded into the convolutions, nothing of asl-tfjs.
import "@tensorflow/tfjs-backend-webgpu";
import * as tf from "@tensorflow/tfjs-core";
import { f32 } from "asl-core";
import { measured, unused } from "./measured.mjs";
import { tfjsContraction } from "./tfjs-contraction.mjs";
import { tfjsTresnet } from "./tfjs-tresnet.mjs";

export default measured({
  name: "tfjs",
  async compile(spec, programs) {
    await tf.setBackend("webgpu");
    await tf.ready();
    const [{ graph }] = Object.values(programs);
    let network = Object.keys(spec).length === 0 ? tfjsContraction(graph) : undefined;
    return {
      read: unused("read"),
      async write(state) {
        network = tfjsTresnet(state);
      },
      async run(_program, feeds) {
        const [name] = Object.keys(graph.outputs);
        const { shape } = graph.types[graph.outputs[name]];
        const result = tf.tidy(() => network.apply(feeds));
        const data = await result.data();
        result.dispose();
        return { [name]: f32(shape, data) };
      },
      [Symbol.asyncDispose]: async () => network?.dispose(),
    };
  },
});
