import { createHash } from "node:crypto";
import { type DType, formatShape, formatType, InputError, sizeOf, type TensorData, type Tensors } from "asl-core";
import { type ElementType, elementBytes, elementDType } from "../elements.js";
import { type OpenTemporary, writeAtomically } from "../file/atomic-write.js";
import { chunksOf } from "../file/chunks.js";
import { BLANK_DIGEST, DIGEST_KEY } from "./digest.js";

/** What a host tensor can be written as. */
export type WritableElementType = Extract<ElementType, "F64" | "F32" | "I32" | "BOOL">;

/** A tensor that will be written: known before its numbers are. */
export interface TensorLayout {
  readonly name: string;
  readonly elementType: WritableElementType;
  readonly shape: readonly number[];
}

/** Tensors in memory, or a layout and the tensors one after another in that order, so that one at a time is in memory. */
export type SafetensorsContent =
  | { readonly tensors: Tensors }
  | {
      readonly layout: readonly TensorLayout[];
      readonly data: AsyncIterable<TensorData> | Iterable<TensorData>;
    };

export interface SafetensorsWriteOptions {
  readonly metadata?: Readonly<Record<string, string>>;
  /** Puts the SHA-256 of the file into its metadata (key "asl.sha256"); this package's readers then check it. */
  readonly digest?: boolean;
}

/**
 * Writes a safetensors file as a whole or not at all (see `writeAtomically`). Float64Array becomes F64, Float32Array
 * F32, i32 I32, bool BOOL.
 * @throws InputError when the data do not fit the layout
 * @throws CheckpointError when the file cannot be written, e.g. on a full disk
 */
export async function writeSafetensors(
  file: string,
  content: SafetensorsContent,
  options: SafetensorsWriteOptions = {},
  openTemporary?: OpenTemporary,
): Promise<void> {
  const { layout, data } = "tensors" in content ? streamOf(content.tensors) : content;
  checkLayout(file, layout);
  const { metadata = {}, digest = false } = options;
  if (Object.hasOwn(metadata, DIGEST_KEY)) throw new InputError(`${file}: metadata may not hold "${DIGEST_KEY}"`);
  const header = encodeHeader(layout, digest ? { ...metadata, [DIGEST_KEY]: BLANK_DIGEST } : metadata);
  await writeAtomically(
    file,
    async (writer) => {
      const hash = createHash("sha256");
      await writer.write(header, 0);
      if (digest) hash.update(header);
      let position = header.byteLength;
      let index = 0;
      for await (const tensor of data) {
        checkTensor(file, layout[index], tensor);
        for (const [chunk, offset] of chunksOf(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength)) {
          await writer.write(chunk, position + offset);
          if (digest) hash.update(chunk);
        }
        position += tensor.data.byteLength;
        index += 1;
      }
      if (index !== layout.length) {
        throw new InputError(`${file}: the layout has ${layout.length} tensors, but only ${index} came`);
      }
      if (digest) await writer.write(encodeHeader(layout, { ...metadata, [DIGEST_KEY]: hash.digest("hex") }), 0);
    },
    openTemporary,
  );
}

/** Wider elements first, so that every tensor starts at a multiple of its element size. */
function streamOf(tensors: Tensors): { layout: TensorLayout[]; data: TensorData[] } {
  const entries = Object.entries(tensors).map(([name, tensor]) => ({
    tensor,
    entry: { name, elementType: elementTypeOf(tensor), shape: tensor.type.shape },
  }));
  entries.sort((a, b) => elementBytes(b.entry.elementType) - elementBytes(a.entry.elementType));
  return { layout: entries.map(({ entry }) => entry), data: entries.map(({ tensor }) => tensor) };
}

function elementTypeOf(tensor: TensorData): WritableElementType {
  const types: Readonly<Record<DType, WritableElementType>> = { f32: "F32", i32: "I32", bool: "BOOL" };
  return tensor.data instanceof Float64Array ? "F64" : types[tensor.type.dtype];
}

function checkLayout(file: string, layout: readonly TensorLayout[]): void {
  const names = new Set<string>();
  for (const { name, shape } of layout) {
    if (name === "__metadata__") throw new InputError(`${file}: no tensor may be called "__metadata__"`);
    if (names.has(name)) throw new InputError(`${file}: two tensors are called "${name}"`);
    names.add(name);
    if (!shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0)) {
      throw new InputError(`${file}: tensor "${name}" has shape ${formatShape(shape)}`);
    }
  }
}

function encodeHeader(layout: readonly TensorLayout[], metadata: Readonly<Record<string, string>>): Buffer {
  let position = 0;
  const entries = layout.map(({ name, elementType, shape }) => {
    const start = position;
    position += sizeOf(shape) * elementBytes(elementType);
    return [name, { dtype: elementType, shape, data_offsets: [start, position] }] as const;
  });
  const hasMetadata = Object.keys(metadata).length > 0;
  // Not Object.fromEntries: it would move names that look like array indices to the front.
  const fields = [...(hasMetadata ? [["__metadata__", metadata] as const] : []), ...entries].map(
    ([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`,
  );
  const json = Buffer.from(`{${fields.join(",")}}`, "utf8");
  // Padded with spaces to 8 bytes, so that the data are aligned.
  const length = Math.ceil(json.length / 8) * 8;
  const header = Buffer.alloc(8 + length, " ");
  header.writeBigUInt64LE(BigInt(length), 0);
  json.copy(header, 8);
  return header;
}

function checkTensor(file: string, expected: TensorLayout | undefined, tensor: TensorData): void {
  if (expected === undefined) throw new InputError(`${file}: more tensors came than the layout has`);
  const { name, elementType, shape } = expected;
  const fits =
    elementTypeOf(tensor) === elementType &&
    elementDType(elementType) === tensor.type.dtype &&
    formatShape(shape) === formatShape(tensor.type.shape) &&
    tensor.data.length === sizeOf(shape);
  if (!fits) {
    throw new InputError(
      `${file}: tensor "${name}" should be ${elementType} ${formatShape(shape)}; ` +
        `got ${formatType(tensor.type)} with ${tensor.data.length} elements of ${tensor.data.constructor.name}`,
    );
  }
}
