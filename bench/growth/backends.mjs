export const BACKENDS = {
  onnx: async (threads) => (await import("asl-onnx/node")).onnxNodeBackend({ threads }),
  "tfjs-node": async () => (await import("asl-tfjs/node")).tfjsNodeBackend(),
  webgpu: async () => (await import("asl-webgpu/node")).webgpuNodeBackend(),
};
