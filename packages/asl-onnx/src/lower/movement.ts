import { type BroadcastAttrs, type Node, scalar } from "asl-core";
import { alignRank, dropLeadingOnes, type Extent, type Operand } from "./extent.js";
import type { Lowering } from "./lowering.js";

/** Nothing is repeated here: the operand gets an extent of 1 on each new axis, and consumers broadcast or Expand it. */
export function broadcast(node: Node<"broadcast">, lowering: Lowering): Operand {
  const { axes } = node.attrs;
  const x = lowering.operand(node.inputs[0]!);
  const held = alignRank(x.extents, axes.length);
  const extents: Extent[] = node.attrs.shape.map(() => 1);
  axes.forEach((axis, i) => {
    extents[axis] = held[i]!;
  });
  const repeated = lowering.reshape(x, dropLeadingOnes(extents));
  return isSmallImage(node.attrs) && repeated.extents.length === 3
    ? lowering.expand(repeated, node.attrs.shape.slice(1))
    : repeated;
}

/** Pixels below which broadcasting a vector of channels over each of them is slower than over whole pictures. */
const SMALL_AREA = 16;

/** A vector along the channels of many pictures of a few pixels. */
function isSmallImage({ axes, shape }: BroadcastAttrs): boolean {
  const [batch, , height, width] = shape;
  const area = shape.length === 4 ? height! * width! : 0;
  return axes.length === 1 && axes[0] === 1 && batch! > 1 && area > 1 && area <= SMALL_AREA;
}

export function reshape(node: Node<"reshape">, lowering: Lowering): Operand {
  const [input] = node.inputs;
  const target = lowering.extents(node.output);
  const x = lowering.operand(input!);
  // One number, however often it repeats.
  if (x.extents.every((extent) => extent === 1)) return lowering.reshape(x, []);
  const logical = lowering.extents(input!);
  const notOne = (extents: readonly Extent[]) => extents.filter((extent) => extent !== 1);
  const before = notOne(logical);
  const after = notOne(target);
  if (before.length !== after.length || before.some((extent, i) => extent !== after[i])) {
    return lowering.reshape(lowering.fullOperand(input!), target);
  }
  // Only axes of extent 1 come or go, so each repeated axis stays one.
  const held = alignRank(x.extents, logical.length).filter((_, axis) => logical[axis] !== 1);
  let next = 0;
  return lowering.reshape(
    x,
    target.map((extent) => (extent === 1 ? 1 : held[next++]!)),
  );
}

export function transpose(node: Node<"transpose">, lowering: Lowering): Operand {
  const [input] = node.inputs;
  const x = lowering.operand(input!);
  return x.extents.length === 0 ? x : lowering.transpose(lowering.aligned(input!), node.attrs.permutation);
}

export function pad(node: Node<"pad">, lowering: Lowering): Operand {
  const { low, high, mode, value } = node.attrs;
  const x = lowering.fullOperand(node.inputs[0]!);
  if ([...low, ...high].every((width) => width === 0)) return x;
  const { dtype } = lowering.graph.types[node.output]!;
  const border = lowering.constant(
    dtype === "f32"
      ? scalar(value)
      : { type: { dtype, shape: [] }, data: dtype === "i32" ? Int32Array.of(value) : Uint8Array.of(value) },
  );
  const inputs = [x.name, lowering.int64([...low, ...high]), ...(mode === "constant" ? [border.name] : [])];
  return { name: lowering.emit("Pad", inputs, { mode: { string: mode } }), extents: lowering.extents(node.output) };
}

export function slice(node: Node<"slice">, lowering: Lowering): Operand {
  const { starts, ends } = node.attrs;
  const [input] = node.inputs;
  const x = lowering.fullOperand(input!);
  const { shape } = lowering.graph.types[input!]!;
  const axes = shape.map((_, axis) => axis).filter((axis) => starts[axis] !== 0 || ends[axis] !== shape[axis]);
  if (axes.length === 0) return x;
  const vector = (values: readonly number[]) => lowering.int64(axes.map((axis) => values[axis]!));
  const name = lowering.emit("Slice", [x.name, vector(starts), vector(ends), lowering.int64(axes)]);
  return { name, extents: lowering.extents(node.output) };
}

export function concat(node: Node<"concat">, lowering: Lowering): Operand {
  const [first, ...rest] = node.inputs;
  if (rest.length === 0) return lowering.operand(first!);
  const parts = node.inputs.map((input) => lowering.full(input));
  return {
    name: lowering.emit("Concat", parts, { axis: { int: node.attrs.axis } }),
    extents: lowering.extents(node.output),
  };
}

export function gather(node: Node<"gather">, lowering: Lowering): Operand {
  const inputs = node.inputs.map((input) => lowering.full(input));
  return {
    name: lowering.emit("Gather", inputs, { axis: { int: node.attrs.axis } }),
    extents: lowering.extents(node.output),
  };
}
