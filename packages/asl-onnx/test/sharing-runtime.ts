import type { InferenceSession, Tensor } from "onnxruntime-common";
import * as node from "onnxruntime-node";
import type { OnnxRuntime } from "../src/runtime/tensors.js";

/** onnxruntime-node as if it took arrays over shared memory: copies go in and out. */
export const sharingRuntime: OnnxRuntime = {
  Tensor: node.Tensor,
  InferenceSession: { create: createSession } as unknown as OnnxRuntime["InferenceSession"],
};

async function createSession(
  source: Uint8Array,
  { externalData = [], ...options }: InferenceSession.SessionOptions,
): Promise<Pick<InferenceSession, "run" | "endProfiling" | "release">> {
  const copies = externalData.map((file) =>
    typeof file === "object" && "data" in file ? { ...file, data: (file.data as Uint8Array).slice() } : file,
  );
  const session = await node.InferenceSession.create(source, { ...options, externalData: copies });
  return {
    async run(feeds: Record<string, Tensor>, fetches: Record<string, Tensor | null>) {
      const results = await session.run(
        Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, copyOf(tensor)])),
        Object.keys(fetches),
      );
      const written = Object.entries(results).map(([name, tensor]) => {
        const target = fetches[name];
        if (target === null || target === undefined) return [name, tensor];
        (target.data as Float32Array).set(tensor.data as Float32Array);
        return [name, target];
      });
      return Object.fromEntries(written);
    },
    endProfiling: () => session.endProfiling(),
    release: () => session.release(),
  };
}

const copyOf = (tensor: Tensor): Tensor =>
  new node.Tensor(tensor.type, (tensor.data as Float32Array).slice(), tensor.dims);
