import { type Backend, f32, type Program, type Session, sizeOf, type Tensors, type TensorType } from "asl-core";
import {
  type ContractionIO,
  type ContractionNode,
  type ContractionPlan,
  deviceTuning,
  planContraction,
  type Tile,
  type Tuning,
} from "../../src/contraction/index.js";

/** Plain buffers: operands at bindings 0 and 1, the output at 2, scratch at 3, the operands in fours at 4 and 5. */
export const PLAIN_IO: ContractionIO = {
  declarations: `@group(0) @binding(0) var<storage, read> x0: array<f32>;
@group(0) @binding(1) var<storage, read> x1: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<storage, read_write> scratch: array<f32>;
@group(0) @binding(4) var<storage, read> four0: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> four1: array<vec4<f32>>;
`,
  load: (operand, index) => `x${operand}[${index}]`,
  loadVec4: (operand, index) => `four${operand}[(${index}) / 4u]`,
  store: (index, value) => `y[${index}] = ${value};`,
};

export const PLAIN_SCRATCH = {
  load: (index: string) => `scratch[${index}]`,
  store: (index: string, value: string) => `scratch[${index}] = ${value};`,
};

/** The kernels of a graph of one contraction on plain buffers. */
export function planOf({ graph }: Pick<Program, "graph">, tuning: Tuning): ContractionPlan {
  const node = graph.nodes[0] as ContractionNode;
  const types = { inputs: node.inputs.map((id) => graph.types[id]!), output: graph.types[node.output]! };
  return planContraction(node, types, PLAIN_IO, tuning, PLAIN_SCRATCH);
}

/** Runs graphs of one contraction; the least that shows what its kernels compute. */
export function oneContraction(device: GPUDevice, tile?: Tile): Backend {
  return {
    name: "one contraction on WebGPU",
    compile: async (_state, programs) => {
      const session: Partial<Session> = {
        run: async (name: string, feeds: Tensors) => {
          const program = programs[name as keyof typeof programs];
          const { graph } = program;
          const node = graph.nodes[0]!;
          const type = graph.types[node.output]!;
          const names = Object.fromEntries(Object.entries(graph.inputs).map(([input, id]) => [id, input]));
          const inputs = node.inputs.map((id) => Float32Array.from(feeds[names[id]!]!.data));
          const plan = planOf(program, { ...deviceTuning(device), ...(tile === undefined ? {} : { tile }) });
          const data = await dispatch(device, plan, inputs, type);
          return Object.fromEntries(Object.keys(graph.outputs).map((output) => [output, f32(type.shape, data)]));
        },
        [Symbol.asyncDispose]: async () => {},
      };
      return session as Session;
    },
  };
}

/** What each binding is of: operand 0 or 1, output, scratch. */
const BOUND = [0, 1, 2, 3, 0, 1] as const;

async function dispatch(
  device: GPUDevice,
  plan: ContractionPlan,
  inputs: readonly Float32Array<ArrayBuffer>[],
  type: TensorType,
) {
  const bytes = 4 * sizeOf(type.shape);
  const scoped = (["validation", "out-of-memory", "internal"] as const).map((filter) => device.pushErrorScope(filter));
  const storage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
  // whole vectors
  const buffer = (size: number) =>
    device.createBuffer({ size: Math.max(16 * Math.ceil(size / 16), 16), usage: storage });
  const buffers = [...inputs.map((data) => buffer(data.byteLength)), buffer(bytes), buffer(4 * plan.scratchElements)];
  inputs.forEach((data, i) => {
    device.queue.writeBuffer(buffers[i]!, 0, data);
  });
  const garbage = new Float32Array(bytes / 4).fill(Number.NaN);
  device.queue.writeBuffer(buffers[2]!, 0, garbage);
  const readback = device.createBuffer({
    size: Math.max(bytes, 4),
    usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
  });
  const layout = device.createBindGroupLayout({
    entries: BOUND.map((operand, binding) => ({
      binding,
      visibility: GPUShaderStage.COMPUTE,
      buffer: { type: operand < 2 ? "read-only-storage" : "storage" },
    })),
  });
  const group = device.createBindGroup({
    layout,
    entries: BOUND.map((each, binding) => ({ binding, resource: { buffer: buffers[each]! } })),
  });
  const encoder = device.createCommandEncoder();
  for (const { enables, wgsl, label, workgroups } of plan.dispatches) {
    const module = device.createShaderModule({
      code: [...enables.map((name) => `enable ${name};\n`), wgsl].join(""),
      label,
    });
    const pipeline = device.createComputePipeline({
      label,
      layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
      compute: { module, entryPoint: "main" },
    });
    const pass = encoder.beginComputePass({ label });
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(...workgroups);
    pass.end();
  }
  encoder.copyBufferToBuffer(buffers[2]!, 0, readback, 0, Math.max(bytes, 4));
  device.queue.submit([encoder.finish()]);
  for (const _ of scoped) {
    const error = await device.popErrorScope();
    if (error !== null) throw new Error(`${error.message}\n${plan.dispatches.map(({ wgsl }) => wgsl).join("\n")}`);
  }
  await readback.mapAsync(GPUMapMode.READ);
  const result = new Float32Array(readback.getMappedRange().slice(0, bytes));
  readback.unmap();
  for (const each of [...buffers, readback]) each.destroy();
  return result;
}
