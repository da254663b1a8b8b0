import { InputError } from "asl-core";
import {
  ATTRIBUTE_TYPE,
  DATA_TYPE,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from "../proto/messages.js";
import { floatsOf, tensorProto } from "../proto/tensors.js";

const LARGEST_HALF = 65504;

/**
 * How each operator of an inference graph computes. A sum over a whole plane stays in float32: of 56 x 56 numbers it may
 * be beyond 65,504 where a runtime sums in float16.
 */
const PRECISION: Readonly<Record<string, "float16" | "float32">> = {
  ...{ Conv: "float16", Gemm: "float16", MatMul: "float16", SpaceToDepth: "float16", Pad: "float16" },
  ...{ LeakyRelu: "float16", Relu: "float16", AveragePool: "float16", Reshape: "float16", Transpose: "float16" },
  ...{ Abs: "float16", Neg: "float16", Min: "float16", Max: "float16", Exp: "float16" },
  ...{ Add: "float16", Sub: "float16", Mul: "float16", Div: "float16", Concat: "float16", Slice: "float16" },
  GlobalAveragePool: "float32",
};

/**
 * An f32 inference network with weights and graph in float16, for runtimes on GPUs; inputs and outputs stay f32.
 * Throws InputError for weights beyond float16 and for an operator whose precision is not known here.
 */
export function toFloat16(model: ModelProto): ModelProto {
  const { graph } = model;
  const initializer = graph.initializer.map(halfTensor);
  const ends = new Map([...realOf(graph.input), ...realOf(graph.output)].map((name) => [name, `float16/${name}`]));
  const inside = (name: string) => ends.get(name) ?? name;
  const node: NodeProto[] = realOf(graph.input).map((name) => cast(name, inside(name), DATA_TYPE.float16));
  for (const each of graph.node) {
    const precision = PRECISION[each.opType];
    if (precision === undefined || (each.domain ?? "") !== "") {
      throw new InputError(
        `float16: nothing is known of ${each.opType} (${each.name}) in half precision; export in f32`,
      );
    }
    const [input, output] = [each.input.map(inside), each.output.map(inside)];
    if (precision === "float16") {
      node.push({ ...each, input, output });
      continue;
    }
    const wide = (name: string) => `${each.name}/float32/${name}`;
    node.push(
      ...input.map((name) => cast(name, wide(name), DATA_TYPE.float)),
      { ...each, input: input.map(wide), output: output.map(wide) },
      ...output.map((name) => cast(wide(name), name, DATA_TYPE.float16)),
    );
  }
  node.push(...realOf(graph.output).map((name) => cast(inside(name), name, DATA_TYPE.float)));
  return { ...model, graph: { ...graph, node, initializer } };
}

const realOf = (values: readonly ValueInfoProto[]): readonly string[] =>
  values.filter(({ type }) => type.tensorType.elemType === DATA_TYPE.float).map(({ name }) => name);

const cast = (from: string, to: string, type: number): NodeProto => ({
  ...{ name: `${to}/Cast`, opType: "Cast", input: [from], output: [to] },
  attribute: [{ name: "to", type: ATTRIBUTE_TYPE.int, i: type }],
});

function halfTensor(tensor: TensorProto): TensorProto {
  if (tensor.dataType !== DATA_TYPE.float) return tensor;
  const halves = Uint16Array.from(floatsOf(tensor), (value, index) => {
    if (Math.abs(value) <= LARGEST_HALF) return halfBits(value);
    throw new InputError(
      `float16: element ${index} of "${tensor.name}" is ${value}; float16 holds at most ${LARGEST_HALF}. Export in f32`,
    );
  });
  return tensorProto(tensor.name, DATA_TYPE.float16, tensor.dims, halves);
}

/** The bits of the float16 next to a number of at most 65,504; of two as near, the even one. */
export function halfBits(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  // below 2^-14 a step is 2^-24
  const exponent = size < 2 ** -14 ? -14 : Math.floor(Math.log2(size));
  const mantissa = roundToEven(size / 2 ** (exponent - 10));
  // a mantissa of 2,048 carries into the exponent by itself; a subnormal has no leading 1,024
  return sign | (size < 2 ** -14 ? mantissa : ((exponent + 15) << 10) + (mantissa - 1024));
}

function roundToEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
}
