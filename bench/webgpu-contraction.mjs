// How fast are the contractions of TResNet-M on WebGPU beside TensorFlow.js and ONNX Runtime Web? All three on the same
// Dawn adapter, from host arrays to host arrays, interleaved. Without a GPU: Debian's chromium brings SwiftShader, and
// VK_ICD_FILENAMES=/usr/lib/chromium/vk_swiftshader_icd.json selects it.
import { Builder, createRandom, f32, sizeOf } from "asl-core";
import { encodeModel, toOnnxModel } from "asl-onnx";
import { median } from "./table.mjs";

/** Convolutions of TResNet-M at 224 px: [channels, height, outputs, kernel, stride, groups]. */
const CONVOLUTIONS = [
  { name: "stem 3x3", channels: 48, extent: 56, outputs: 64, kernel: 3 },
  { name: "layer1 3x3", channels: 64, extent: 56, outputs: 64, kernel: 3 },
  { name: "layer2 3x3", channels: 128, extent: 28, outputs: 128, kernel: 3 },
  { name: "layer3 3x3", channels: 256, extent: 14, outputs: 256, kernel: 3 },
  { name: "layer3 1x1 up", channels: 256, extent: 14, outputs: 1024, kernel: 1 },
  { name: "layer3 1x1 down", channels: 1024, extent: 14, outputs: 256, kernel: 1 },
  { name: "layer4 3x3", channels: 512, extent: 7, outputs: 512, kernel: 3 },
  { name: "layer4 1x1 up", channels: 512, extent: 7, outputs: 2048, kernel: 1 },
];
const PASSES = ["conv2d", "conv2dInputGrad", "conv2dKernelGrad"];

/** Rows {name, ours, peer, ratio, runs, note}; medians in seconds. One row for each peer. */
export async function run({ runs, only, report }) {
  const sides = await openSides();
  const rows = [];
  for (const convolution of CONVOLUTIONS) {
    for (const op of PASSES) {
      const name = `${convolution.name} ${op}`;
      if (!name.includes(only)) continue;
      report(`${name} ...`);
      rows.push(...(await measure(name, problemOf(op, convolution), sides, runs)));
    }
  }
  return { adapter: sides.adapter, rows };
}

function problemOf(op, { channels, extent, outputs, kernel }) {
  const pad = (kernel - 1) / 2;
  const attrs = {
    strides: [1, 1],
    padding: [
      [pad, pad],
      [pad, pad],
    ],
    dilations: [1, 1],
    groups: 1,
  };
  const x = [1, channels, extent, extent];
  const w = [outputs, channels, kernel, kernel];
  const y = [1, outputs, extent, extent];
  const [shapes, result, own] = {
    conv2d: [[x, w], y, {}],
    conv2dInputGrad: [[y, w], x, { inputShape: x }],
    conv2dKernelGrad: [[x, y], w, { kernelShape: w }],
  }[op];
  const random = createRandom(1, op);
  const inputs = shapes.map((shape) => Float32Array.from({ length: sizeOf(shape) }, () => random.between(-1, 1)));
  const builder = new Builder();
  const values = shapes.map((shape, i) => builder.input(`in${i}`, { dtype: "f32", shape }));
  const graph = builder.finish({ y: builder.apply(op, values, { ...attrs, ...own }) });
  return { op, pad, kernel, x, w, y, shapes, result, inputs, graph, flops: 2 * sizeOf(y) * channels * kernel * kernel };
}

/** A function from a problem to {once, close}: `once` goes from host arrays to a host array. */
async function openSides() {
  const { create, globals } = await import("webgpu");
  Object.assign(globalThis, globals);
  // the process ends in a crash if this is collected while devices live
  const gpu = create([]);
  const adapter = await gpu.requestAdapter();
  if (adapter === null) throw new Error("no WebGPU adapter: install a GPU driver, or Debian's chromium (see above)");
  Object.defineProperty(globalThis, "navigator", { value: { gpu, userAgent: "node" }, configurable: true });
  acceptSharedMemory();
  const { vendor, architecture, description } = adapter.info;
  return {
    adapter: [vendor, architecture, description].filter((part) => part !== "").join(" "),
    gpu,
    ours: await openOurs(gpu),
    tfjs: await openTfjs(),
    ort: await openOrt(),
  };
}

/** ONNX Runtime Web writes buffers from shared memory, which browsers take and Dawn in Node refuses. */
function acceptSharedMemory() {
  const { writeBuffer } = globalThis.GPUQueue.prototype;
  globalThis.GPUQueue.prototype.writeBuffer = function (buffer, offset, data, start = 0, size) {
    if (!(data.buffer instanceof SharedArrayBuffer)) return writeBuffer.call(this, buffer, offset, data, start, size);
    const width = data.BYTES_PER_ELEMENT ?? 1;
    const bytes = new Uint8Array(data.buffer, data.byteOffset + start * width, size && size * width).slice();
    return writeBuffer.call(this, buffer, offset, bytes);
  };
}

async function openOurs(gpu) {
  const { webgpuBackend } = await import("asl-webgpu");
  const backend = webgpuBackend({ gpu });
  return async ({ graph, shapes, inputs }) => {
    const session = await backend.compile({}, { step: { graph, reads: {}, writes: {}, finite: [] } });
    const feeds = Object.fromEntries(inputs.map((data, i) => [`in${i}`, f32(shapes[i], data)]));
    return {
      once: async () => (await session.run("step", feeds)).y.data,
      close: () => session[Symbol.asyncDispose](),
    };
  };
}

/** Its own kernels in its own layout: channels last, no transpositions. */
async function openTfjs() {
  const tf = await import("@tensorflow/tfjs-core");
  await import("@tensorflow/tfjs-backend-webgpu");
  await tf.setBackend("webgpu");
  await tf.ready();
  return async ({ op, pad, x, w, y, inputs }) => {
    const image = ([n, c, h, width]) => [n, h, width, c];
    const kernelShape = [w[2], w[3], w[1], w[0]];
    const common = { strides: [1, 1], pad, dataFormat: "NHWC", dimRoundingMode: "floor" };
    // values do not change what a kernel costs: the arrays are taken as they lie
    const of = { x: image(x), w: kernelShape, y: image(y) };
    const [name, names, attrs] = {
      conv2d: ["Conv2D", { x: of.x, filter: of.w }, { ...common, dilations: [1, 1] }],
      conv2dInputGrad: ["Conv2DBackpropInput", { dy: of.y, filter: of.w }, { ...common, inputShape: of.x }],
      conv2dKernelGrad: ["Conv2DBackpropFilter", { x: of.x, dy: of.y }, { ...common, filterShape: of.w }],
    }[op];
    return {
      once: async () => {
        const tensors = Object.fromEntries(
          Object.entries(names).map(([argument, shape], i) => [argument, tf.tensor(inputs[i], shape)]),
        );
        const result = tf.engine().runKernel(name, tensors, attrs);
        const data = await result.data();
        tf.dispose([result, tensors]);
        return data;
      },
      close: () => {},
    };
  };
}

/** The graph as asl-onnx exports it; gradients as Conv, Gemm and movements of ONNX. */
async function openOrt() {
  const ort = await import("onnxruntime-web/webgpu");
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "error";
  return async ({ graph, shapes, inputs }) => {
    const { model } = toOnnxModel(graph);
    const session = await ort.InferenceSession.create(encodeModel(model), { executionProviders: ["webgpu"] });
    const feeds = Object.fromEntries(inputs.map((data, i) => [`in${i}`, new ort.Tensor("float32", data, shapes[i])]));
    return { once: async () => (await session.run(feeds)).y.data, close: () => session.release() };
  };
}

async function measure(name, problem, sides, runs) {
  const opened = {};
  for (const side of ["ours", "tfjs", "ort"]) opened[side] = await sides[side](problem);
  const times = { ours: [], tfjs: [], ort: [] };
  for (let i = -1; i < runs; i++) {
    for (const [side, { once }] of Object.entries(opened)) {
      const cpu = process.cpuUsage();
      const start = performance.now();
      const result = await once();
      const wall = (performance.now() - start) / 1000;
      const { user, system } = process.cpuUsage(cpu);
      if (result.length !== sizeOf(problem.result)) throw new Error(`${side}: ${result.length} elements in ${name}`);
      if (i >= 0) times[side].push({ wall, cpu: (user + system) / 1e6 });
    }
  }
  for (const { close } of Object.values(opened)) await close();
  const of = (side, clock) => median(times[side].map((time) => time[clock]));
  const bytes = 4 * [...problem.shapes, problem.result].reduce((sum, shape) => sum + sizeOf(shape), 0);
  return ["tfjs", "ort"].map((peer) => {
    const [ours, theirs] = [of("ours", "wall"), of(peer, "wall")];
    const cpuRatio = of("ours", "cpu") / of(peer, "cpu");
    const speed = `${(problem.flops / ours / 1e9).toFixed(2)} GFLOP/s, at least ${(bytes / 1e6).toFixed(1)} MB`;
    return {
      name: `${name} / ${peer}`,
      ours,
      peer: theirs,
      ratio: ours / theirs,
      runs,
      note: `${speed}; CPU time ratio ${cpuRatio.toFixed(2)}`,
      cpuRatio,
      flops: problem.flops,
      leastBytes: bytes,
    };
  });
}
