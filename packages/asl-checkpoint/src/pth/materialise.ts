import { type Shape, sizeOf, stridesOf, type TensorData } from "asl-core";
import { decodeElements, ElementRangeError, elementBytes, elementDType } from "../elements.js";
import { CheckpointError } from "../errors.js";
import { allocateTogether, awaitedLater, type BegunTensors, type IsLater } from "../file/later.js";
import { readAhead } from "../file/read-ahead.js";
import type { TensorReference } from "../pickle/values.js";
import type { PthContainer } from "./container.js";

/**
 * An expanded tensor (stride 0) may be larger than its storage. All tensors together may be this many times the file,
 * plus some room: beyond it a small file would be filling the memory.
 */
const MAX_EXPANSION = 16;
const EXPANSION_ROOM = 64 * 1024 * 1024;

/**
 * Reads the numbers of tensors: every storage once, however many tensors share it; any strides become row-major.
 * Each tensor gets an array of its own. Those that are a whole f32 storage as it stands, and that `isLater` picks, are
 * read last and all at once, into one buffer.
 */
export async function materialise(
  file: string,
  fileSize: number,
  tensors: ReadonlyMap<string, TensorReference>,
  { readStorage, readStorageInto, prepareStorage }: PthContainer,
  isLater: IsLater,
): Promise<BegunTensors> {
  checkTotal(file, fileSize, tensors);
  const byStorage = new Map<string, [string, TensorReference][]>();
  for (const [name, tensor] of tensors) {
    const group = byStorage.get(tensor.storage.key);
    if (group === undefined) byStorage.set(tensor.storage.key, [[name, tensor]]);
    else group.push([name, tensor]);
  }
  const read = new Map<string, TensorData>();
  const groups = [...byStorage.values()];
  const later = groups.filter(([only, ...more]) => more.length === 0 && isWhole(only![1]) && isLater(only![1].shape));
  const now = groups.filter((group) => !later.includes(group));
  for await (const [group, buffer] of readAhead(now, (each) => readStorage(each[0]![1].storage))) {
    const shared = group.length > 1;
    for (const [name, tensor] of group) read.set(name, tensorFrom(file, name, tensor, buffer, shared));
  }
  const waiting = later.map((group) => group[0]!);
  const places = allocateTogether(waiting.map(([, { storage }]) => storage.size));
  for (const [i, [name, { shape }]] of waiting.entries()) {
    read.set(name, { type: { dtype: "f32", shape }, data: places[i]! });
  }
  const readRest = async () => {
    await Promise.all(waiting.map(([, { storage }], i) => readStorageInto(places[i]!, storage)));
  };
  await Promise.all(waiting.map(([, { storage }]) => prepareStorage(storage)));
  return {
    // In the order of the file, whichever order the storages were read in.
    content: Object.fromEntries([...tensors.keys()].map((name) => [name, read.get(name)!])),
    rest: awaitedLater(readRest()),
  };
}

/** Whether a tensor is its storage, row-major and in f32. */
function isWhole({ storage, elementType, offset, shape, strides }: TensorReference): boolean {
  const isDense = stridesOf(shape).every((stride, axis) => shape[axis]! <= 1 || strides[axis] === stride);
  return (
    elementType === "F32" &&
    storage.elementType === "F32" &&
    isDense &&
    offset === 0 &&
    storage.start === 0 &&
    sizeOf(shape) === storage.rootSize
  );
}

function checkTotal(file: string, fileSize: number, tensors: ReadonlyMap<string, TensorReference>): void {
  let bytes = 0;
  for (const tensor of tensors.values()) bytes += sizeOf(tensor.shape) * 4;
  if (bytes > MAX_EXPANSION * fileSize + EXPANSION_ROOM) {
    throw new CheckpointError(
      file,
      `its tensors would take ${bytes} bytes, more than a file of ${fileSize} bytes can reasonably hold`,
    );
  }
}

function tensorFrom(
  file: string,
  name: string,
  tensor: TensorReference,
  buffer: ArrayBuffer,
  shared: boolean,
): TensorData {
  const { storage, elementType, shape, strides } = tensor;
  const bytes = elementBytes(elementType);
  const first = storage.start * (storage.elementType === null ? 1 : bytes) + tensor.offset * bytes;
  const span = shape.includes(0) ? 0 : shape.reduce((sum, extent, axis) => sum + (extent - 1) * strides[axis]!, 1);
  if (first + span * bytes > buffer.byteLength) {
    throw new CheckpointError(file, `tensor "${name}" leaves its storage of ${buffer.byteLength} bytes`);
  }
  // A tensor that has its storage for itself takes the buffer over instead of copying it.
  const own = !shared && span * bytes === buffer.byteLength ? buffer : buffer.slice(first, first + span * bytes);
  let values: TensorData["data"];
  try {
    values = decodeElements(elementType, own);
  } catch (error) {
    if (error instanceof ElementRangeError) throw new CheckpointError(file, `tensor "${name}": ${error.message}`);
    throw error;
  }
  return { type: { dtype: elementDType(elementType), shape }, data: rowMajor(values, shape, strides) };
}

/** Element i of the result is at sum over axes of index_a(i) * stride_a of the source. */
function rowMajor(source: TensorData["data"], shape: Shape, strides: readonly number[]): TensorData["data"] {
  const dense = stridesOf(shape);
  if (shape.every((extent, axis) => extent <= 1 || strides[axis] === dense[axis])) return source;
  const size = sizeOf(shape);
  const result = sameKind(source, size);
  const index = new Array<number>(shape.length).fill(0);
  let position = 0;
  for (let i = 0; i < size; i++) {
    result[i] = source[position]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      position += strides[axis]!;
      index[axis]! += 1;
      if (index[axis]! < shape[axis]!) break;
      position -= index[axis]! * strides[axis]!;
      index[axis] = 0;
    }
  }
  return result;
}

function sameKind(source: TensorData["data"], size: number): TensorData["data"] {
  if (source instanceof Float32Array) return new Float32Array(size);
  if (source instanceof Float64Array) return new Float64Array(size);
  return source instanceof Int32Array ? new Int32Array(size) : new Uint8Array(size);
}
