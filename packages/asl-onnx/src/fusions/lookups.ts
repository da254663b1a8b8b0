import { type AnyNode, f32, sizeOf, type TensorData, type ValueId } from "asl-core";
import type { FusionRule, GraphView } from "../lower/fusion.js";

/** Fewer indices than this are not worth a detour. */
const FEWEST_INDICES = 4096;

/**
 * Several tables that are read at the same indices: one Gather of rows that hold an entry of each, then the columns.
 * ONNX Runtime copies element by element whatever an element is, and that is what costs.
 */
export const lookupsAtOnce: FusionRule = (node, view) => {
  const table = tableOf(node, view);
  if (node.op !== "gather" || table === undefined) return undefined;
  const indices = node.inputs[1]!;
  const { shape } = view.type(indices);
  const count = sizeOf(shape);
  if (count < FEWEST_INDICES) return undefined;
  const entries = table.data.length;
  const others = view.consumers(indices).flatMap((other): readonly (readonly [ValueId, TensorData])[] => {
    const same = other === node || other.inputs[1] !== indices ? undefined : tableOf(other, view);
    return same?.data.length === entries ? [[other.output, same]] : [];
  });
  if (others.length === 0) return undefined;
  const tables = [table, ...others.map(([, each]) => each)];
  return {
    inputs: [indices],
    also: others.map(([value]) => value),
    lower(lowering) {
      const rows = lowering.constant(rowsOf(tables, entries), "tables").name;
      const flat = lowering.reshape({ name: lowering.full(indices), extents: shape }, [count]).name;
      const gathered = lowering.emit("Gather", [rows, flat], { axis: { int: 0 } });
      const columns = lowering.emit("Transpose", [gathered], { perm: { ints: [1, 0] } });
      const column = (i: number) => {
        const index = lowering.constant({ type: { dtype: "i32", shape: [] }, data: Int32Array.of(i) }, "column").name;
        const name = lowering.emit("Gather", [columns, index], { axis: { int: 0 } });
        return lowering.reshape({ name, extents: [count] }, shape);
      };
      others.forEach(([value], i) => {
        lowering.set(value, column(i + 1));
      });
      return column(0);
    },
  };
};

/** The constant list of float32 that a node looks up in. */
function tableOf(node: AnyNode, view: GraphView): TensorData | undefined {
  if (node.op !== "gather") return undefined;
  const constant = view.producer(node.inputs[0]!);
  if (constant?.op !== "constant") return undefined;
  const { value } = constant.attrs;
  return value.type.dtype === "f32" && value.type.shape.length === 1 ? value : undefined;
}

function rowsOf(tables: readonly TensorData[], entries: number): TensorData {
  const width = tables.length;
  const rows = new Float32Array(entries * width);
  tables.forEach(({ data }, column) => {
    for (let i = 0; i < entries; i++) rows[i * width + column] = data[i]!;
  });
  return f32([entries, width], rows);
}
