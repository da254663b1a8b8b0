import { type DType, formatShape, formatType, InputError, sizeOf, type TensorData, type Tensors } from "asl-core";
import { type ElementType, elementBytes, elementDType } from "../elements.js";
import { chunksOf } from "../file/chunks.js";
import { viewOf } from "../file/text.js";
import type { Host } from "../host.js";
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

/** A piece of a file and its place in it. */
export type Piece = readonly [bytes: Uint8Array, position: number];

/** Checks a content before anything is written; its file then comes in pieces, the header last where it has a digest. */
export function encodeSafetensors(
  file: string,
  content: SafetensorsContent,
  { metadata = {}, digest = false }: SafetensorsWriteOptions,
  host: Host,
): AsyncGenerator<Piece> {
  const { layout, data } = "tensors" in content ? streamOf(content.tensors) : content;
  checkLayout(file, layout);
  if (Object.hasOwn(metadata, DIGEST_KEY)) throw new InputError(`${file}: metadata may not hold "${DIGEST_KEY}"`);
  const header = encodeHeader(layout, digest ? { ...metadata, [DIGEST_KEY]: BLANK_DIGEST } : metadata);

  async function* pieces(): AsyncGenerator<Piece> {
    const hash = digest ? host.sha256() : undefined;
    yield [header, 0];
    hash?.update(header);
    let position = header.byteLength;
    let index = 0;
    for await (const tensor of data) {
      checkTensor(file, layout[index], tensor);
      for (const [chunk, offset] of chunksOf(tensor.data)) {
        yield [chunk, position + offset];
        hash?.update(chunk);
      }
      position += tensor.data.byteLength;
      index += 1;
    }
    if (index !== layout.length) {
      throw new InputError(`${file}: the layout has ${layout.length} tensors, but only ${index} came`);
    }
    if (hash !== undefined) yield [encodeHeader(layout, { ...metadata, [DIGEST_KEY]: hash.hex() }), 0];
  }
  return pieces();
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

function encodeHeader(layout: readonly TensorLayout[], metadata: Readonly<Record<string, string>>): Uint8Array {
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
  const json = new TextEncoder().encode(`{${fields.join(",")}}`);
  // Padded with spaces to 8 bytes, so that the data are aligned.
  const length = Math.ceil(json.length / 8) * 8;
  const header = new Uint8Array(8 + length).fill(0x20);
  viewOf(header).setBigUint64(0, BigInt(length), true);
  header.set(json, 8);
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
