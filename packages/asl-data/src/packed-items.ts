import { dirname, sep } from "node:path";
import { type DatasetItem, type DatasetItems, isPartial } from "./dataset.js";
import { DatasetError } from "./errors.js";
import { GrowingBytes, GrowingUint32 } from "./growing-array.js";

/** Text in UTF-8, one after the other; text i ends where text i + 1 begins. */
interface PackedText {
  readonly bytes: Uint8Array;
  /** [length + 1] */
  readonly offsets: Uint32Array;
}

/**
 * Dataset items as flat arrays in shared memory: about 90 bytes and 4 bytes per label for a picture, where objects take
 * ten times as much, and worker threads read them without a copy. Plain data.
 */
export interface PackedItems {
  readonly length: number;
  /** What all `files` begin with. */
  readonly folder: string;
  readonly names: PackedText;
  /** Without `folder`. */
  readonly files: PackedText;
  /** [length + 1] Where the entries of an item begin. */
  readonly offsets: Uint32Array;
  /** 4 * class + kind. */
  readonly entries: Uint32Array;
  /** [length] 1: `negatives` is given. */
  readonly sparse: Uint8Array;
  /** Whether a target is -1. */
  readonly partial: boolean;
}

const POSITIVE = 0;
const NEGATIVE = 1;
const UNANNOTATED = 2;

/** Collects items one by one. */
export class ItemPacker {
  readonly #classes: number;
  readonly #folder: string;
  readonly #names = new GrowingText();
  readonly #files = new GrowingText();
  readonly #offsets = new GrowingUint32();
  readonly #entries = new GrowingUint32();
  readonly #sparse = new GrowingBytes();
  #partial = false;

  /** `folder`: a folder that holds all files, however deep. */
  constructor(classes: number, folder: string) {
    this.#classes = classes;
    this.#folder = folder === "" || folder.endsWith(sep) ? folder : folder + sep;
    this.#offsets.push(0);
  }

  add(item: DatasetItem): void {
    const { name, file, labels, negatives, unannotated } = item;
    this.#names.add(name);
    if (!file.startsWith(this.#folder)) throw new DatasetError(`${file}: not in the folder ${this.#folder}`);
    this.#files.add(file.slice(this.#folder.length));
    for (const label of labels) this.#entries.push(4 * label + POSITIVE);
    for (const label of negatives ?? []) this.#entries.push(4 * label + NEGATIVE);
    for (const label of unannotated ?? []) this.#entries.push(4 * label + UNANNOTATED);
    this.#offsets.push(this.#entries.length);
    this.#sparse.push(negatives === undefined ? 0 : 1);
    this.#partial ||= isPartial(item, this.#classes);
  }

  finish(): PackedItems {
    return {
      length: this.#sparse.length,
      folder: this.#folder,
      names: this.#names.finish(),
      files: this.#files.finish(),
      offsets: this.#offsets.shared(),
      entries: this.#entries.shared(),
      sparse: this.#sparse.shared(),
      partial: this.#partial,
    };
  }
}

class GrowingText {
  readonly #bytes = new GrowingBytes();
  readonly #offsets = new GrowingUint32();

  constructor() {
    this.#offsets.push(0);
  }

  add(text: string): void {
    this.#bytes.append(text);
    this.#offsets.push(this.#bytes.length);
  }

  finish(): PackedText {
    return { bytes: this.#bytes.shared(), offsets: this.#offsets.shared() };
  }
}

/** Packed items as a sequence; an item is made when it is asked for. */
export class PackedItemList implements DatasetItems {
  readonly packed: PackedItems;

  constructor(packed: PackedItems) {
    this.packed = packed;
  }

  get length(): number {
    return this.packed.length;
  }

  at(index: number): DatasetItem | undefined {
    const { length, folder, names, files, offsets, entries, sparse } = this.packed;
    if (!(index >= 0 && index < length)) return undefined;
    const listed = entries.subarray(offsets[index], offsets[index + 1]);
    const unannotated = ofKind(listed, UNANNOTATED);
    return {
      name: textAt(names, index),
      file: folder + textAt(files, index),
      labels: ofKind(listed, POSITIVE),
      ...(sparse[index] === 1 ? { negatives: ofKind(listed, NEGATIVE) } : {}),
      ...(unannotated.length > 0 ? { unannotated } : {}),
    };
  }

  *[Symbol.iterator](): Iterator<DatasetItem> {
    for (let index = 0; index < this.length; index++) yield this.at(index)!;
  }
}

/** Any items in packed form; packed ones as they are. */
export function packItems(items: DatasetItems, classes: number): PackedItems {
  if (items instanceof PackedItemList) return items.packed;
  const packer = new ItemPacker(classes, commonFolder(items));
  for (const item of items) packer.add(item);
  return packer.finish();
}

function ofKind(entries: Uint32Array, kind: number): number[] {
  const labels: number[] = [];
  for (const entry of entries) if (entry % 4 === kind) labels.push((entry - kind) / 4);
  return labels;
}

function textAt({ bytes, offsets }: PackedText, index: number): string {
  const start = offsets[index]!;
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, offsets[index + 1]! - start).toString("utf8");
}

function commonFolder(items: DatasetItems): string {
  let common: string | undefined;
  for (const { file } of items) {
    common ??= dirname(file) === "." ? "" : dirname(file);
    while (common !== "" && !file.startsWith(common + sep)) {
      const above: string = dirname(common);
      common = above === common || above === "." ? "" : above;
    }
  }
  return common ?? "";
}
