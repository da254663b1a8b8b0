import { sizeOf, type TensorData, type Tensors } from "asl-core";
import { decodeElements, ElementRangeError, elementDType } from "../elements.js";
import { CheckpointError } from "../errors.js";
import type { ByteSource } from "../file/byte-source.js";
import { chunksOf, type Memory } from "../file/chunks.js";
import { allocateTogether, awaitedLater, type BegunTensors, type IsLater, NONE_LATER, whole } from "../file/later.js";
import { readAhead } from "../file/read-ahead.js";
import type { Host } from "../host.js";
import { blankDigest, DIGEST_KEY } from "./digest.js";
import { readHeader, type SafetensorsEntry, type SafetensorsHeader } from "./header.js";

type Entry = readonly [name: string, entry: SafetensorsEntry];

/** An open safetensors file of any size: the header is read, tensors are read one at a time when asked for. */
export class SafetensorsFile implements AsyncDisposable {
  readonly #file: ByteSource;
  readonly #host: Host;
  readonly #header: SafetensorsHeader;

  private constructor(file: ByteSource, host: Host, header: SafetensorsHeader) {
    this.#file = file;
    this.#host = host;
    this.#header = header;
  }

  /** Takes over `file`: closing this closes it. */
  static async over(file: ByteSource, host: Host): Promise<SafetensorsFile> {
    return new SafetensorsFile(file, host, await readHeader(file));
  }

  get file(): string {
    return this.#file.file;
  }

  /** Name -> element type and shape, in the order of the header. */
  get entries(): ReadonlyMap<string, SafetensorsEntry> {
    return this.#header.entries;
  }

  /** `__metadata__` of the header; empty if there is none. */
  get metadata(): Readonly<Record<string, string>> {
    return this.#header.metadata;
  }

  /**
   * One tensor, in an array of its own. F16 and BF16 widen to f32, F64 stays a Float64Array, integers become i32.
   * @throws CheckpointError when there is no such tensor or an integer does not fit
   */
  async read(name: string): Promise<TensorData> {
    const entry = this.#entry(name);
    return this.#decode(name, entry, await this.#bytes(entry));
  }

  /** All tensors. A file that carries a SHA-256 of itself (those that this package writes) is checked against it. */
  readAll(): Promise<Tensors> {
    return whole(this.beginAll(NONE_LATER));
  }

  /** The same while some of the numbers are still being read, all of them at once. */
  async beginAll(isLater: IsLater): Promise<BegunTensors> {
    const digest = this.metadata[DIGEST_KEY];
    const hash = digest === undefined ? null : this.#host.sha256();
    if (digest !== undefined) hash?.update(blankDigest(this.#header.bytes, digest));
    const add = (memory: Memory) => {
      if (hash !== null) for (const [chunk] of chunksOf(memory)) hash.update(chunk);
    };
    const inFileOrder = [...this.entries].sort(([, a], [, b]) => a.start - b.start || a.end - b.end);
    const later = inFileOrder.filter(([, { elementType, shape }]) => elementType === "F32" && isLater(shape));
    const laterStart = later[0]?.[1].start ?? Number.POSITIVE_INFINITY;
    // what a hash waits for: it takes the bytes in their order
    const waiting = new Map<string, ArrayBuffer>();
    const tensors = new Map<string, TensorData>();
    const now = inFileOrder.filter((entry) => !later.includes(entry));
    // when large ones come later, these are short: all are asked for at once
    const inLine = later.length === 0 ? undefined : now.length;
    for await (const [[name, entry], buffer] of readAhead(now, ([, entry]) => this.#bytes(entry), inLine)) {
      if (entry.start < laterStart) add(buffer);
      else if (hash !== null) waiting.set(name, buffer);
      tensors.set(name, this.#decode(name, entry, buffer));
    }
    const places = new Map<string, Float32Array>();
    for (const [i, place] of allocateTogether(later.map(([, { shape }]) => sizeOf(shape))).entries()) {
      const [name, { shape }] = later[i]!;
      places.set(name, place);
      tensors.set(name, { type: { dtype: "f32", shape }, data: place });
    }
    const readRest = async () => {
      const left = inFileOrder.filter(([name]) => places.has(name) || waiting.has(name));
      const read = async ([name, { start }]: Entry): Promise<Memory> => {
        const place = places.get(name);
        if (place === undefined) return waiting.get(name)!;
        await this.#file.readInto(place, start);
        return place;
      };
      for await (const [, memory] of readAhead(left, read, left.length)) add(memory);
      if (hash !== null && hash.hex() !== digest) {
        throw new CheckpointError(
          this.file,
          "damaged: its content does not match the SHA-256 it carries. Copy it again or use an older one",
        );
      }
    };
    return {
      content: Object.fromEntries([...this.entries.keys()].map((name) => [name, tensors.get(name)!])),
      rest: awaitedLater(readRest()),
    };
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #entry(name: string): SafetensorsEntry {
    const entry = this.entries.get(name);
    if (entry !== undefined) return entry;
    const some = [...this.entries.keys()].slice(0, 5).join(", ");
    throw new CheckpointError(this.file, `no tensor "${name}"; it has ${this.entries.size}: ${some}`);
  }

  #bytes(entry: SafetensorsEntry): Promise<ArrayBuffer> {
    return this.#file.readBuffer(entry.start, entry.end - entry.start);
  }

  #decode(name: string, entry: SafetensorsEntry, buffer: ArrayBuffer): TensorData {
    try {
      const data = decodeElements(entry.elementType, buffer);
      return { type: { dtype: elementDType(entry.elementType), shape: entry.shape }, data };
    } catch (error) {
      if (error instanceof ElementRangeError)
        throw new CheckpointError(this.file, `tensor "${name}": ${error.message}`);
      throw error;
    }
  }
}
