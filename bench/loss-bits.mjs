import { Builder, exactAsymmetricLoss, grad } from "asl-core";
import { isTfjsNodeInstalled } from "asl-tfjs/node";

const BACKENDS = {
  onnx: async ({ threads }) => (await import("asl-onnx/node")).onnxNodeBackend({ threads }),
  "tfjs-wasm": async () => (await import("asl-tfjs/wasm")).tfjsWasmBackend(),
  "tfjs-node": async () => (await import("asl-tfjs/node")).tfjsNodeBackend(),
};

/** The backends whose name contains `only`; says which are not installed. */
export async function openBackends({ only, threads, report }) {
  const names = Object.keys(BACKENDS).filter((name) => name.includes(only));
  const opened = [];
  for (const name of names) {
    if (name === "tfjs-node" && !isTfjsNodeInstalled()) report(`${name}: not installed (scripts/install-tfjs-node.sh)`);
    else opened.push({ name, backend: await BACKENDS[name]({ threads }) });
  }
  if (opened.length === 0) throw new Error(`no backend's name contains "${only}"; there are ${Object.keys(BACKENDS)}`);
  return opened;
}

/** The exact loss of a recipe and its gradient, from logits and targets alone. */
export function exactLossProgram(shape, { gammaNeg, gammaPos, clip, detachFocusingWeight }) {
  const builder = new Builder();
  const [logits, targets] = ["logits", "targets"].map((name) => builder.input(name, { dtype: "f32", shape }));
  const options = { gammaNeg, gammaPos, clip, detachFocusingWeight, targets: "hard" };
  const loss = exactAsymmetricLoss(logits, targets, options);
  const [gradient] = grad(loss, [logits]);
  return { graph: builder.finish({ loss, gradient }), reads: {}, writes: {}, finite: ["loss"] };
}

/** The 32 bits of each float32, in hexadecimal. */
export function hexBits(data) {
  const bits = new Uint32Array(Float32Array.from(data).buffer);
  return Array.from(bits, (word) => word.toString(16).padStart(8, "0"));
}
