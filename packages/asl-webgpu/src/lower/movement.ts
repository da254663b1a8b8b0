import { type Node, type PadAttrs, sizeOf } from "asl-core";
import { literal } from "../wgsl/storage.js";
import type { MovementLowering, Reader } from "./lowering.js";

/** The same element in row-major order. */
export const view: MovementLowering<"reshape" | "stopGradient"> = {
  kind: "movement",
  branches: false,
  read: ({ inputs: [x] }, position, reader) =>
    reader.read(x!, { shape: reader.typeOf(x!).shape, flat: reader.flat(position) }),
};

/** y[i0, i1, ...] = x[...] where x's axis permutation[k] has index ik. */
export const transpose: MovementLowering<"transpose"> = {
  kind: "movement",
  branches: false,
  read({ inputs: [x], attrs: { permutation } }, position, reader) {
    const from = reader.coordinates(position);
    const coordinates = new Array<string>(permutation.length);
    permutation.forEach((axis, i) => {
      coordinates[axis] = from[i]!;
    });
    return reader.read(x!, { shape: reader.typeOf(x!).shape, coordinates });
  },
};

/** y[i0, i1, ...] = x[i_axes[0], i_axes[1], ...]. */
export const broadcast: MovementLowering<"broadcast"> = {
  kind: "movement",
  branches: false,
  read({ inputs: [x], attrs: { axes } }, position, reader) {
    const { shape } = reader.typeOf(x!);
    if (sizeOf(shape) === 1) return reader.read(x!, { shape, flat: "0u" });
    const from = reader.coordinates(position);
    return reader.read(x!, { shape, coordinates: axes.map((axis) => from[axis]!) });
  },
};

/** y[i0, ...] = x[i0 + starts[0], ...]. */
export const slice: MovementLowering<"slice"> = {
  kind: "movement",
  branches: false,
  read({ inputs: [x], attrs: { starts } }, position, reader) {
    const from = reader.coordinates(position);
    const coordinates = from.map((i, axis) => shifted(i, starts[axis]!));
    return reader.read(x!, { shape: reader.typeOf(x!).shape, coordinates });
  },
};

/** i + by, in parentheses, for it becomes a factor. */
function shifted(i: string, by: number): string {
  if (by === 0) return i;
  if (i === "0u") return `${Math.abs(by)}u`;
  return by > 0 ? `(${i} + ${by}u)` : `(${i} - ${-by}u)`;
}

const BORDERS: Readonly<Record<PadAttrs["mode"], (node: Node<"pad">, from: readonly string[], r: Reader) => string>> = {
  /** One unsigned comparison says that 0 <= i - low < extent. */
  constant({ inputs: [x], attrs: { low, high, value } }, from, reader) {
    const { shape, dtype } = reader.typeOf(x!);
    const source = from.map((i, axis) => (low[axis] === 0 ? i : `(${i} - ${low[axis]}u)`));
    const inside = shape.flatMap((extent, axis) =>
      low[axis] === 0 && high[axis] === 0 ? [] : [`${source[axis]} < ${extent}u`],
    );
    const read = () => reader.read(x!, { shape, coordinates: source });
    if (inside.length === 0) return read();
    return reader.when(inside.join(" && "), dtype, literal(dtype, value), read);
  },
  reflect: ({ inputs: [x], attrs: { low, high } }, from, reader) => {
    const { shape } = reader.typeOf(x!);
    const coordinates = from.map((i, axis) => {
      const last = shape[axis]! - 1;
      if (low[axis] === 0 && high[axis] === 0) return i;
      // |last - |i - low|| mirrored at both ends: last - | last - |i - low| |
      return `u32(${last} - abs(${last} - abs(i32(${i}) - ${low[axis]})))`;
    });
    return reader.read(x!, { shape, coordinates });
  },
  edge: ({ inputs: [x], attrs: { low, high } }, from, reader) => {
    const { shape } = reader.typeOf(x!);
    const coordinates = from.map((i, axis) =>
      low[axis] === 0 && high[axis] === 0 ? i : `u32(clamp(i32(${i}) - ${low[axis]}, 0, ${shape[axis]! - 1}))`,
    );
    return reader.read(x!, { shape, coordinates });
  },
};

export const pad: MovementLowering<"pad"> = {
  kind: "movement",
  branches: true,
  read: (node, position, reader) => BORDERS[node.attrs.mode](node, reader.coordinates(position), reader),
};

/** The parts one behind the other along an axis. */
export const concat: MovementLowering<"concat"> = {
  kind: "movement",
  branches: true,
  read({ inputs, output, attrs: { axis } }, position, reader) {
    const from = reader.coordinates(position);
    const { dtype } = reader.typeOf(output);
    const parts = inputs.filter((id) => sizeOf(reader.typeOf(id).shape) > 0);
    const readPart = (part: number, start: number): string => {
      const { shape } = reader.typeOf(parts[part]!);
      const end = start + shape[axis]!;
      const read = () =>
        reader.read(parts[part]!, {
          shape,
          coordinates: from.map((i, each) => (each === axis ? shifted(i, -start) : i)),
        });
      if (part === parts.length - 1) return read();
      return reader.when(`${from[axis]} < ${end}u`, dtype, literal(dtype, 0), read, () => readPart(part + 1, end));
    };
    return readPart(0, 0);
  },
};

/** y[before, i, after] = table[before, indices[i], after]; an index outside the table reads its first or last row. */
export const gather: MovementLowering<"gather"> = {
  kind: "movement",
  branches: true,
  read({ inputs: [table, indices], attrs: { axis } }, position, reader) {
    const from = reader.coordinates(position);
    const { shape } = reader.typeOf(table!);
    const rank = reader.typeOf(indices!).shape.length;
    const index = reader.read(indices!, {
      shape: reader.typeOf(indices!).shape,
      coordinates: from.slice(axis, axis + rank),
    });
    const row = `u32(clamp(${index}, 0, ${shape[axis]! - 1}))`;
    return reader.read(table!, {
      shape,
      coordinates: [...from.slice(0, axis), row, ...from.slice(axis + rank)],
    });
  },
};
