import type { AnyNode, Conv2dAttrs, Node, Shape, ValueId } from "asl-core";
import { sameShape } from "asl-core";
import type { GraphView } from "../lower/fusion.js";
import { eitherWay } from "./activation.js";
import { type AxisMap, axisMap, compose, identityMap, sameMap, scaled, stacked, sum, transposed } from "./axis-map.js";

/** value[n,c] = height source[n,c] width^T: the same linear map on every channel of every picture. */
export interface SeparableMap {
  readonly source: ValueId;
  readonly height: AxisMap;
  readonly width: AxisMap;
  /** Values between the source and the result, the result left out. */
  readonly interior: ReadonlySet<ValueId>;
}

/** Maps found so far; a rule asks for each of them many times. */
const known = new WeakMap<GraphView, Map<ValueId, SeparableMap>>();

/** The map that makes a value [N,C,H,W] from the last value that is not itself made by such a map. */
export function separableMap(value: ValueId, view: GraphView): SeparableMap {
  const maps = known.get(view) ?? new Map<ValueId, SeparableMap>();
  known.set(view, maps);
  const before = maps.get(value);
  if (before !== undefined) return before;
  const node = view.producer(value);
  const found = (node === undefined ? undefined : mapOf(node, view)) ?? identity(value, view);
  maps.set(value, found);
  return found;
}

function identity(value: ValueId, view: GraphView): SeparableMap {
  const [, , height, width] = view.type(value).shape as readonly number[];
  return { source: value, height: identityMap(height!), width: identityMap(width!), interior: new Set() };
}

function mapOf(node: AnyNode, view: GraphView): SeparableMap | undefined {
  if (view.type(node.output).shape.length !== 4) return undefined;
  switch (node.op) {
    case "pad":
      return padded(node, view);
    case "slice":
      return sliced(node, view);
    case "concat":
      return joined(node, view);
    case "add":
      return added(node, view);
    case "mul":
      return multiplied(node, view);
    case "conv2d":
      return convolved(node, view);
    case "conv2dInputGrad":
      return convolvedBack(node, view);
    case "reshape":
      return repeated(node, view);
    default:
      return undefined;
  }
}

/** A further map along each axis after the map of `input`. */
function after(input: ValueId, height: AxisMap | undefined, width: AxisMap | undefined, view: GraphView): SeparableMap {
  const before = separableMap(input, view);
  return {
    source: before.source,
    height: height === undefined ? before.height : compose(height, before.height),
    width: width === undefined ? before.width : compose(width, before.width),
    interior: before.source === input ? new Set() : new Set([...before.interior, input]),
  };
}

const imagesOnly = (widths: readonly number[]) => widths[0] === 0 && widths[1] === 0;

function padded({ inputs: [x], attrs }: Node<"pad">, view: GraphView): SeparableMap | undefined {
  const { low, high, mode, value } = attrs;
  if (!imagesOnly(low) || !imagesOnly(high) || (mode === "constant" && value !== 0)) return undefined;
  const along = (axis: 2 | 3): AxisMap => {
    const extent = view.type(x!).shape[axis]!;
    // The element that stands at position k of the padded axis; numpy.pad's rules.
    const sourceOf = (k: number): number => {
      const i = k - low[axis]!;
      if (mode === "constant") return i;
      if (mode === "edge") return Math.min(Math.max(i, 0), extent - 1);
      return i < 0 ? -i : i >= extent ? 2 * (extent - 1) - i : i;
    };
    return axisMap(low[axis]! + extent + high[axis]!, extent, (k, j) => (sourceOf(k) === j ? 1 : 0));
  };
  return after(x!, along(2), along(3), view);
}

function sliced({ inputs: [x], attrs, output }: Node<"slice">, view: GraphView): SeparableMap | undefined {
  const { shape } = view.type(x!);
  const kept = view.type(output).shape;
  if (shape[0] !== kept[0] || shape[1] !== kept[1]) return undefined;
  const along = (axis: 2 | 3) => axisMap(kept[axis]!, shape[axis]!, (i, j) => (i + attrs.starts[axis]! === j ? 1 : 0));
  return after(x!, along(2), along(3), view);
}

function joined({ inputs, attrs }: Node<"concat">, view: GraphView): SeparableMap | undefined {
  const maps = inputs.map((input) => separableMap(input, view));
  const [first, ...rest] = maps as [SeparableMap, ...SeparableMap[]];
  const common = attrs.axis === 2 ? "width" : "height";
  if (attrs.axis < 2 || rest.some((map) => map.source !== first.source || !sameMap(map[common], first[common]))) {
    return undefined;
  }
  const interior = union(inputs, maps);
  const along = attrs.axis === 2 ? "height" : "width";
  return { ...first, [along]: stacked(maps.map((map) => map[along])), interior };
}

function added({ inputs }: Node<"add">, view: GraphView): SeparableMap | undefined {
  const [a, b] = inputs.map((input) => separableMap(input, view)) as [SeparableMap, SeparableMap];
  if (a.source !== b.source) return undefined;
  const interior = union(inputs, [a, b]);
  if (sameMap(a.width, b.width)) return { ...a, height: sum(a.height, b.height), interior };
  if (sameMap(a.height, b.height)) return { ...a, width: sum(a.width, b.width), interior };
  return undefined;
}

function union(inputs: readonly ValueId[], maps: readonly SeparableMap[]): Set<ValueId> {
  const own = inputs.filter((input, i) => maps[i]!.source !== input);
  return new Set([...own, ...maps.flatMap(({ interior }) => [...interior])]);
}

function multiplied(node: Node<"mul">, view: GraphView): SeparableMap | undefined {
  const pair = eitherWay(node, (factor) => view.uniform(factor) !== undefined);
  if (pair === undefined) return undefined;
  const { shape } = view.type(pair[1]);
  return after(pair[1], scaled(identityMap(shape[2]!), view.uniform(pair[0])!), undefined, view);
}

function convolved({ inputs: [x, kernel], attrs }: Node<"conv2d">, view: GraphView): SeparableMap | undefined {
  const bands = depthwiseBands(kernel!, attrs, view.type(x!).shape, view);
  return bands === undefined ? undefined : after(x!, bands.height, bands.width, view);
}

function convolvedBack(node: Node<"conv2dInputGrad">, view: GraphView): SeparableMap | undefined {
  const [outputGrad, kernel] = node.inputs;
  const bands = depthwiseBands(kernel!, node.attrs, node.attrs.inputShape, view);
  if (bands === undefined) return undefined;
  return after(outputGrad!, transposed(bands.height), transposed(bands.width), view);
}

/** The maps of a depthwise convolution whose constant kernel is one outer product for all channels. */
function depthwiseBands(kernel: ValueId, attrs: Conv2dAttrs, x: Shape, view: GraphView) {
  const node = view.producer(kernel);
  const [channels, , height, width] = x as readonly [number, number, number, number];
  if (node?.op !== "constant" || attrs.groups !== x[1] || channels === undefined) return undefined;
  const [out, , kernelHeight, kernelWidth] = node.attrs.value.type.shape as readonly [number, number, number, number];
  const factors = out === x[1] ? outerProduct(node.attrs.value.data, out, kernelHeight, kernelWidth) : undefined;
  if (factors === undefined) return undefined;
  const band = (taps: readonly number[], extent: number, axis: 0 | 1): AxisMap => {
    const [before, behind] = attrs.padding[axis];
    const [stride, dilation] = [attrs.strides[axis], attrs.dilations[axis]];
    const outputs = Math.floor((extent + before + behind - (taps.length - 1) * dilation - 1) / stride) + 1;
    return axisMap(outputs, extent, (i, j) => {
      const position = j + before - i * stride;
      return position % dilation === 0 ? (taps[position / dilation] ?? 0) : 0;
    });
  };
  return { height: band(factors.column, height, 0), width: band(factors.row, width, 1) };
}

/** column x row = every channel's kernel, exactly. */
function outerProduct(data: ArrayLike<number>, channels: number, height: number, width: number) {
  const area = height * width;
  const at = (i: number, j: number) => data[i * width + j]!;
  const pivot = Array.from({ length: area }, (_, i) => i).find((i) => data[i] !== 0);
  if (pivot === undefined) return undefined;
  const [pivotRow, pivotColumn] = [Math.floor(pivot / width), pivot % width];
  const row = Array.from({ length: width }, (_, j) => at(pivotRow, j));
  const column = Array.from({ length: height }, (_, i) => at(i, pivotColumn) / data[pivot]!);
  for (let i = 0; i < channels * area; i++) {
    const position = i % area;
    if (data[i] !== column[Math.floor(position / width)]! * row[position % width]!) return undefined;
  }
  return { row, column };
}

/** reshape(broadcast(x, [N,C,H,a,W,b]), [N,C,H*a,W*b]): every pixel becomes a block. */
function repeated({ inputs: [x], attrs }: Node<"reshape">, view: GraphView): SeparableMap | undefined {
  const spread = view.producer(x!);
  if (spread?.op !== "broadcast" || !sameShape(spread.attrs.axes, [0, 1, 2, 4])) return undefined;
  const [batch, channels, rows, blockHeight, columns, blockWidth, ...more] = spread.attrs.shape as readonly number[];
  const fits =
    more.length === 0 && sameShape(attrs.shape, [batch!, channels!, rows! * blockHeight!, columns! * blockWidth!]);
  if (!fits) return undefined;
  const along = (extent: number, block: number) =>
    axisMap(extent * block, extent, (i, j) => (Math.floor(i / block) === j ? 1 : 0));
  const map = after(spread.inputs[0]!, along(rows!, blockHeight!), along(columns!, blockWidth!), view);
  return { ...map, interior: new Set([...map.interior, x!]) };
}
