import { f32, type Graph, type Tensors, traitsOf, type ValueId } from "asl-core";
import { vectorAlong } from "../fusions/contraction.js";
import { STANDARD_FUSIONS } from "../fusions/standard.js";
import { convolutionAttributes } from "../lower/convolution-attributes.js";
import type { FusionRule, GraphView } from "../lower/fusion.js";
import { ConstantValues, type Reals } from "./constants.js";

/**
 * Forms for a graph whose state does not change. Scales and offsets go into convolutions with one rounding, from
 * float64; all else that depends on state alone is computed as a run would, bit for bit.
 * `overwrite`: kernels of the state are scaled where they are, if one convolution alone reads them, when it calls what it
 * gets.
 */
export function inferenceFusions(graph: Graph, state: Tensors, overwrite?: Overwrite): readonly FusionRule[] {
  return [
    foldedConvolution(new ConstantValues(graph, state, "f64"), overwrite),
    foldedConstant(new ConstantValues(graph, state, "f32")),
    ...STANDARD_FUSIONS,
  ];
}

/** Takes the scaling of one kernel, to call it when its numbers are there. */
type Overwrite = (scale: () => void) => void;

/** A value that depends on constants and state only becomes an initializer. Repetition stays a broadcast. */
function foldedConstant(constants: ConstantValues): FusionRule {
  return (node, view) => {
    const { elementwise, view: isView } = traitsOf(node.op);
    if (!elementwise && !isView) return undefined;
    const data = constants.get(node.output);
    if (data === undefined) return undefined;
    const { shape } = view.type(node.output);
    return { inputs: [], lower: (lowering) => lowering.constant(f32(shape, data)) };
  };
}

interface Affine {
  readonly x: ValueId;
  readonly gain: Reals | undefined;
  readonly offset: Reals | undefined;
}

/**
 * (conv(x, kernel) * gain + offset), gain and offset per channel and constant = conv(x, kernel * gain) + offset:
 * batch norm on running statistics disappears. The products are rounded once, from float64.
 */
function foldedConvolution(constants: ConstantValues, overwrite: Overwrite | undefined): FusionRule {
  return (node, view) => {
    const { x: product, gain, offset } = affine(node.output, view, constants);
    if (gain === undefined && offset === undefined) return undefined;
    const convolution = view.producer(product);
    if (convolution?.op !== "conv2d" || !view.isPrivate(product)) return undefined;
    const [x, kernelValue] = convolution.inputs as readonly [ValueId, ValueId];
    const kernel = constants.get(kernelValue);
    if (kernel === undefined) return undefined;
    const { shape } = view.type(kernelValue);
    const isOwn = view.producer(kernelValue) === undefined && view.isPrivate(kernelValue);
    return {
      inputs: [x],
      lower(lowering) {
        const place = overwrite !== undefined && isOwn && kernel instanceof Float32Array ? kernel : undefined;
        const scaled = place ?? new Float32Array(kernel);
        if (gain !== undefined) {
          const scale = () => scaleRows(kernel, gain, scaled);
          if (place === undefined) scale();
          else overwrite?.(scale);
        }
        const inputs = [lowering.full(x), lowering.constant(f32(shape, scaled), "kernel").name];
        if (offset !== undefined)
          inputs.push(lowering.constant(f32([shape[0]!], new Float32Array(offset)), "bias").name);
        return {
          name: lowering.emit("Conv", inputs, convolutionAttributes(convolution.attrs, shape)),
          extents: lowering.extents(node.output),
        };
      },
    };
  };
}

/**
 * matrix, scaled: [gains, ...], row-major, possibly the same array. Each row times its gain, rounded once. Four elements
 * at a time take half as long as one: these are nearly all weights of a network.
 */
function scaleRows(matrix: Reals, gains: Reals, scaled: Float32Array): void {
  const length = matrix.length / gains.length;
  for (let row = 0; row < gains.length; row++) {
    const gain = gains[row]!;
    const end = (row + 1) * length;
    let i = row * length;
    for (; i + 3 < end; i += 4) {
      const a = matrix[i]! * gain;
      const b = matrix[i + 1]! * gain;
      const c = matrix[i + 2]! * gain;
      const d = matrix[i + 3]! * gain;
      scaled[i] = a;
      scaled[i + 1] = b;
      scaled[i + 2] = c;
      scaled[i + 3] = d;
    }
    for (; i < end; i++) scaled[i] = matrix[i]! * gain;
  }
}

/** Takes a value apart into x * gain + offset with constant vectors along the channels; steps read once only. */
function affine(value: ValueId, view: GraphView, constants: ConstantValues): Affine {
  let x = value;
  const peel = (op: "add" | "mul"): Reals | undefined => {
    const node = view.producer(x);
    if (node?.op !== op || (x !== value && !view.isPrivate(x))) return undefined;
    for (const [i, candidate] of node.inputs.entries()) {
      const vector = vectorAlong(view, candidate, 1);
      const data = vector === undefined ? undefined : constants.get(vector);
      if (data === undefined) continue;
      x = node.inputs[1 - i]!;
      return data;
    }
    return undefined;
  };
  const offset = peel("add");
  const gain = peel("mul");
  return { x, gain, offset };
}
