import { ATTRIBUTE_TYPE, DATA_TYPE, type ModelProto, type NodeProto, type TensorProto } from "../proto/messages.js";
import { floatsOf, tensorProto } from "../proto/tensors.js";
import { type Averaging, averaging } from "./average-pool.js";
import { biasCorrection, layerWeights } from "./layer-weights.js";
import { impliedActivations, quantizedValues } from "./placement.js";
import type { Quantization, WeightBits } from "./scales.js";
import { hidesSigmoid, sigmoidInput } from "./sigmoid.js";
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
        if (layer !== undefined) {
          this.#nodes.push({ ...node, input: [this.#read(input), ...this.#weights(layer)] });
        } else if (!(values.has(output) && this.#substitute(node))) {
          this.#nodes.push({ ...node, input: node.input.map((name) => this.#read(name)) });
        }
        const isImplied = (topology.consumers.get(output) ?? []).some((consumer) => implied.has(consumer));
        if (values.has(output) && !isImplied) this.#quantize(output, output);
      }
    }
    const node = withoutUnread(this.#nodes, topology.outputs);
    const used = new Set(node.flatMap((each) => each.input));
    return { ...graph, node, initializer: this.#initializers.filter(({ name }) => used.has(name)) };
  }

  #read(value: string): string {
    return this.#renamed.get(value) ?? value;
  }

  /** In place of a node whose result is quantised: what gives the same up to a fraction of a step, and is faster. */
  #substitute(node: NodeProto): boolean {
    const { topology, quantizations } = this.#options;
    const [output] = node.output as [string];
    const x = sigmoidInput(node, topology);
    if (x !== undefined && hidesSigmoid(quantizations.get(output)!.scale)) {
      this.#emit("Sigmoid", `${output}/Sigmoid`, [this.#read(x)], output);
      return true;
    }
    const mean = averaging(node, topology);
    if (mean === undefined || !this.#renamed.has(node.input[0]!)) return false;
    const weights = this.#taps(`${output}/weight`, mean);
    this.#emit("Conv", `${output}/Conv`, [this.#read(node.input[0]!), weights], output, mean.attribute);
    return true;
  }

  /** One step of size `tap` everywhere: as exact as a float32. */
  #taps(name: string, { dims, tap }: Averaging): string {
    const steps = new Int8Array(dims.reduce((a, b) => a * b, 1)).fill(1);
    return this.#perChannel(name, "int8", dims, steps, new Float32Array(dims[0]!).fill(tap));
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
      tensorProto(names[0], DATA_TYPE.float, [], Float32Array.of(scale)),
      tensorProto(names[1], DATA_TYPE.uint8, [], Uint8Array.of(zeroPoint)),
    );
    return names;
  }

  /** Names of the dequantised weights and bias. */
  #weights(layer: Layer): readonly string[] {
    const { topology, quantizations, weightBits, means } = this.#options;
    const { name, kernel, bias, input } = layer;
    const source = topology.source(input);
    const { scale } = quantizations.get(source)!;
    const weights = layerWeights(layer, scale, weightBits);
    const { values, scales } = weights;
    const inputs = [this.#perChannel(`${name}/weight`, "int8", kernel.dims, values, scales)];
    if (bias === undefined) return inputs;
    const offsets = new Float64Array(floatsOf(bias));
    if (means !== undefined) {
      for (const [channel, moved] of biasCorrection(layer, weights, means(source)).entries())
        offsets[channel]! -= moved;
    }
    // the scale of a product is the product of the scales
    const products = scales.map((each) => each * scale);
    const steps = Int32Array.from(offsets, (offset, channel) => Math.round(offset / products[channel]!));
    return [...inputs, this.#perChannel(`${name}/bias`, "int32", [offsets.length], steps, products)];
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
      tensorProto(quantized, DATA_TYPE[type], dims, values),
      tensorProto(scale, DATA_TYPE.float, [scales.length], scales),
      tensorProto(zeroPoint, DATA_TYPE[type], [scales.length], zeros),
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

/** The nodes that an output depends on. Runtimes run the others, too. */
function withoutUnread(nodes: readonly NodeProto[], outputs: ReadonlySet<string>): NodeProto[] {
  const read = new Set(outputs);
  const kept: NodeProto[] = [];
  for (const node of [...nodes].reverse()) {
    if (!node.output.some((output) => read.has(output))) continue;
    for (const input of node.input) read.add(input);
    kept.push(node);
  }
  return kept.reverse();
}
