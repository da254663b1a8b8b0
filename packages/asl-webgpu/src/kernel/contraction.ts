import { type AnyNode, traitsOf, type ValueId } from "asl-core";
import { type ContractionNode, type ContractionTypes, planContraction, type Tuning } from "../contraction/index.js";
import { Body } from "../wgsl/body.js";
import { Bindings, type BufferTypes } from "./bindings.js";
import type { KernelText } from "./elementwise.js";
import { functionText, moduleText } from "./module.js";
import { giveResult, storeAll } from "./store.js";
import { type KernelContext, ValueReader } from "./value-reader.js";

/** A matmul or convolution whose operands are computed as they are read, and what follows on its results. */
export function contractionKernel(
  node: ContractionNode,
  stores: readonly ValueId[],
  context: KernelContext,
  tuning: Tuning,
  limits: Pick<GPUSupportedLimits, "maxStorageBuffersPerShaderStage">,
): KernelText {
  const bindings = new Bindings(context);
  const functions = new Set<string>();
  const loads = node.inputs.map((id, operand) => {
    const body = new Body(functions);
    const reader = new ValueReader(context, bindings, body);
    body.line(`return ${reader.read(id, { shape: context.types[id]!.shape, flat: "index" })};`);
    return functionText(`load${operand}(index: u32) -> f32`, body.text);
  });
  const body = new Body(functions);
  const reader = new ValueReader(context, bindings, body);
  giveResult(node.output, "index", context, { reader, body });
  storeAll(stores, "index", context, { reader, bindings, body });
  const store = functionText("store(index: u32, value: f32)", body.text);

  /** The buffer of an operand that lies in one as it is; views are looked through. */
  const plain = node.inputs.map((id) => plainBuffer(id, context));
  const buffers = bindings.list.length - 1;
  const hasRoom = buffers + plain.length + 1 <= limits.maxStorageBuffersPerShaderStage;
  const plan = planContraction(
    node,
    typesOfContraction(node, context),
    {
      declarations: "",
      load: (operand, index) => `load${operand}(${index})`,
      loadVec4(operand, index) {
        const buffer = plain[operand];
        return buffer === undefined || !hasRoom ? undefined : bindings.loadVec4(buffer, index);
      },
      store: (index, value) => `store(${index}, ${value});`,
    },
    tuning,
    {
      load: (index) => `${bindings.scratch()}[${index}]`,
      store: (index, value) => `${bindings.scratch()}[${index}] = ${value};`,
    },
  );
  // planContraction may have asked for scratch, which is declared, too
  const declarations = moduleText(bindings, functions, ...loads, store);
  return {
    bindings: bindings.list,
    dispatches: plan.dispatches.map(({ enables, wgsl, workgroups }) => ({
      wgsl: `${enables.map((name) => `enable ${name};\n`).join("")}${declarations}\n${wgsl}`,
      workgroups,
    })),
    scratchElements: plan.scratchElements,
    flops: plan.flops,
  };
}

function plainBuffer(id: ValueId, context: KernelContext): ValueId | undefined {
  if (context.splatOf(id) !== undefined) return undefined;
  if (context.isStored(id)) return id;
  const producer = context.producers[id];
  return producer !== undefined && traitsOf(producer.op).view ? plainBuffer(producer.inputs[0]!, context) : undefined;
}

/** What a contraction reads and makes. */
export const typesOfContraction = (
  { inputs, output }: ContractionNode,
  { types, isHalf }: BufferTypes,
): ContractionTypes => ({
  inputs: inputs.map((id) => types[id]!),
  output: types[output]!,
  isHalf: [...inputs, output].map(isHalf),
});

/** Whether a node contracts; planContraction takes all ops of that trait. */
export const isContraction = (node: AnyNode): node is AnyNode & ContractionNode =>
  traitsOf(node.op).contraction === true;
