import { ATTRIBUTE_TYPE, type ModelProto, type NodeProto, type TensorProto } from "../proto/messages.js";
import { impliedActivations, quantizedValues } from "./placement.js";
import { type Quantization, quantizeWeights, type WeightBits } from "./scales.js";
import { floats, initializer } from "./tensors.js";
import { type Layer, movesElements, type Topology } from "./topology.js";

export interface RewriteOptions {
  readonly topology: Topology;
  /** Names of the layers that are quantised. */
  readonly layers: ReadonlySet<string>;
  /** Of every value that `quantizedValues` names. */
  readonly quantizations: ReadonlyMap<string, Quantization>;
  readonly weightBits: WeightBits;
  /** Mean of each channel of a value, for bias correction; undefined: none. */
  readonly means: ((value: string) => ArrayLike<number>) | undefined;
}

/** A bias is at most this many steps: half of what an int32 holds is left to the sum. */
const LARGEST_BIAS = 2 ** 30;

/** The model in QDQ form: the layers with int8 weights, the values around them through QuantizeLinear and back. */
export function toQdq(model: ModelProto, options: RewriteOptions): ModelProto {
  return { ...model, graph: new Rewriter(options).rewrite() };
}

class Rewriter {
  readonly #nodes: NodeProto[] = [];
  readonly #initializers: TensorProto[];
  /** What readers of a value read instead: its dequantised form. */
  readonly #renamed = new Map<string, string>();
  readonly #quantized = new Map<string, string>();
  readonly #scales = new Map<string, readonly [scale: string, zeroPoint: string]>();
  readonly #options: RewriteOptions;

  constructor(options: RewriteOptions) {
    this.#options = options;
    this.#initializers = [...options.topology.graph.initializer];
  }

  rewrite(): ModelProto["graph"] {
    const { topology, layers, quantizations } = this.#options;
    const { graph } = topology;
    const values = quantizedValues(topology, layers);
    const implied = impliedActivations(topology, values, quantizations);
    for (const { name } of graph.input) if (values.has(name)) this.#quantize(name, name);
    const layersByName = new Map(topology.layers.map((layer) => [layer.name, layer]));
    for (const node of graph.node) {
      const [input = ""] = node.input;
      const output = node.output[0]!;
      if (implied.has(node)) {
        this.#quantize(input, output);
      } else if (movesElements(node) && this.#quantized.has(input)) {
        this.#move(node);
      } else {
        const layer = layers.has(node.name) ? layersByName.get(node.name) : undefined;
        const read = node.input.map((name) => this.#renamed.get(name) ?? name);
        this.#nodes.push({ ...node, input: layer === undefined ? read : [read[0]!, ...this.#weights(layer)] });
        const isImplied = (topology.consumers.get(output) ?? []).some((consumer) => implied.has(consumer));
        if (values.has(output) && !isImplied) this.#quantize(output, output);
      }
    }
    const used = new Set(this.#nodes.flatMap((node) => node.input));
    return { ...graph, node: this.#nodes, initializer: this.#initializers.filter(({ name }) => used.has(name)) };
  }

  /** Quantises the float `from`; readers of `value` read it. */
  #quantize(from: string, value: string): void {
    const steps = this.#constants(value);
    const quantized = `${value}/quantized`;
    this.#emit("QuantizeLinear", `${value}/QuantizeLinear`, [from, ...steps], quantized);
    this.#dequantize(value, quantized, steps);
  }

  #dequantize(value: string, quantized: string, steps: readonly [string, string]): void {
    const name = `${value}/dequantized`;
    this.#emit("DequantizeLinear", `${value}/DequantizeLinear`, [quantized, ...steps], name);
    this.#quantized.set(value, quantized);
    this.#scales.set(value, steps);
    this.#renamed.set(value, name);
  }

  #move(node: NodeProto): void {
    const [input, ...rest] = node.input as [string, ...string[]];
    const output = node.output[0]!;
    const quantized = `${output}/quantized`;
    this.#nodes.push({ ...node, input: [this.#quantized.get(input)!, ...rest], output: [quantized] });
    this.#dequantize(output, quantized, this.#scales.get(input)!);
  }

  #constants(value: string): readonly [string, string] {
    const { scale, zeroPoint } = this.#options.quantizations.get(value)!;
    const names = [`${value}/scale`, `${value}/zero_point`] as const;
    this.#initializers.push(
      initializer(names[0], "float", [], Float32Array.of(scale)),
      initializer(names[1], "uint8", [], Uint8Array.of(zeroPoint)),
    );
    return names;
  }

  /** Names of the dequantised weights and bias. */
  #weights(layer: Layer): readonly string[] {
    const { topology, quantizations, weightBits, means } = this.#options;
    const { name, kernel, bias, input } = layer;
    const channels = kernel.dims[0]!;
    const weights = floats(kernel);
    const source = topology.source(input);
    const { scale } = quantizations.get(source)!;
    const offsets = bias === undefined ? undefined : new Float64Array(floats(bias));
    const least = offsets?.map((offset) => Math.abs(offset) / (scale * LARGEST_BIAS));
    const { values, scales } = quantizeWeights(weights, channels, weightBits, least);
    const inputs = [this.#perChannel(`${name}/weight`, "int8", kernel.dims, values, scales)];
    if (offsets === undefined) return inputs;
    if (means !== undefined) {
      const correction = biasCorrection(layer, weights, { values, scales }, means(source));
      for (let channel = 0; channel < channels; channel++) offsets[channel]! -= correction[channel]!;
    }
    // the scale of a product is the product of the scales
    const products = scales.map((each) => each * scale);
    const steps = Int32Array.from(offsets, (offset, channel) => Math.round(offset / products[channel]!));
    return [...inputs, this.#perChannel(`${name}/bias`, "int32", [channels], steps, products)];
  }

  #perChannel(
    name: string,
    type: "int8" | "int32",
    dims: readonly number[],
    values: Int8Array | Int32Array,
    scales: Float32Array,
  ): string {
    const [quantized, scale, zeroPoint] = [`${name}/quantized`, `${name}/scale`, `${name}/zero_point`];
    const zeros = type === "int8" ? new Int8Array(scales.length) : new Int32Array(scales.length);
    this.#initializers.push(
      initializer(quantized, type, dims, values),
      initializer(scale, "float", [scales.length], scales),
      initializer(zeroPoint, type, [scales.length], zeros),
    );
    const axis = { name: "axis", type: ATTRIBUTE_TYPE.int, i: 0 };
    const output = `${name}/dequantized`;
    this.#emit("DequantizeLinear", `${name}/DequantizeLinear`, [quantized, scale, zeroPoint], output, [axis]);
    return output;
  }

  #emit(opType: string, name: string, input: string[], output: string, attribute: NodeProto["attribute"] = []): void {
    this.#nodes.push({ name, opType, input, output: [output], attribute });
  }
}

/**
 * How far the rounding of the weights moves the mean of each output channel (Nagel et al. 2019, section 4.2):
 *   E[y~] - E[y] = sum over inputs (w~ - w) E[x]
 * E[x] is the mean of the input channel over pictures and places; a border of zeros is left out of account.
 */
export function biasCorrection(
  { kernel, group }: Pick<Layer, "kernel" | "group">,
  weights: Float32Array,
  { values, scales }: ReturnType<typeof quantizeWeights>,
  means: ArrayLike<number>,
): Float64Array {
  const [channels = 1, perGroup = 1, ...spatial] = kernel.dims;
  const taps = spatial.reduce((a, b) => a * b, 1);
  const correction = new Float64Array(channels);
  for (let channel = 0, i = 0; channel < channels; channel++) {
    const first = Math.floor((channel * group) / channels) * perGroup;
    for (let input = first; input < first + perGroup; input++) {
      for (let tap = 0; tap < taps; tap++, i++) {
        correction[channel]! += (scales[channel]! * values[i]! - weights[i]!) * means[input]!;
      }
    }
  }
  return correction;
}
