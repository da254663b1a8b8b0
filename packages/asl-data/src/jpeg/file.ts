import { exifOrientation } from "./orientation.js";

/** A component (plane) of a picture: luma, or one of two of chroma. */
export interface JpegComponent {
  readonly id: number;
  /** Sampling factors: blocks of an MCU across and down. */
  readonly across: number;
  readonly down: number;
  /** int16[64] in natural order. */
  readonly quantization: Int16Array;
}

export interface JpegScan {
  /** Index of each component; where its Huffman tables lie in the file (16 counts, then the symbols). */
  readonly components: readonly { readonly index: number; readonly dc: number; readonly ac: number }[];
  /** Coefficients in zigzag order, first and last. */
  readonly first: number;
  readonly last: number;
  /** Successive approximation: the bit position of the scan before (0: none) and of this one. */
  readonly high: number;
  readonly low: number;
  /** MCUs between restart markers, 0 for none. */
  readonly restartInterval: number;
  /** Where its bytes begin, and where the marker behind them lies. */
  readonly begin: number;
  readonly end: number;
}

/** A baseline, extended sequential or progressive JPEG of 8 bits in grey or YCbCr that stands upright. ITU-T T.81. */
export interface JpegFile {
  readonly width: number;
  readonly height: number;
  readonly components: readonly JpegComponent[];
  readonly scans: readonly JpegScan[];
}

const MARKER = { soi: 0xd8, eoi: 0xd9, sos: 0xda, dqt: 0xdb, dri: 0xdd, dht: 0xc4, app0: 0xe0, com: 0xfe } as const;
const FRAMES = { baseline: 0xc0, extended: 0xc1, progressive: 0xc2 } as const;
const [APP1, APP14, APP15] = [0xe1, 0xee, 0xef];

/** What is not understood in full, or breaks a rule: another decoder's business. */
class Unsupported extends Error {}

/** Undefined for any file that is not one of those or has the least oddity. */
export function parseJpeg(bytes: Uint8Array): JpegFile | undefined {
  try {
    return new Parser(bytes).parse();
  } catch (thrown) {
    if (thrown instanceof Unsupported) return undefined;
    throw thrown;
  }
}

function demand(condition: boolean): asserts condition {
  if (!condition) throw new Unsupported();
}

interface Frame {
  readonly width: number;
  readonly height: number;
  readonly isProgressive: boolean;
  readonly components: readonly {
    readonly id: number;
    readonly across: number;
    readonly down: number;
    readonly table: number;
  }[];
}

class Parser {
  readonly #bytes: Uint8Array;
  readonly #quantization: (Int16Array | undefined)[] = [];
  /** Offsets of Huffman tables: DC at 0 .. 3, AC at 4 .. 7. */
  readonly #huffman: (number | undefined)[] = [];
  readonly #scans: JpegScan[] = [];
  #frame: Frame | undefined;
  #restartInterval = 0;
  #isJfif = false;
  #adobeTransform: number | undefined;
  /** Per component, the lowest bit known of each coefficient; -1: nothing. */
  #known: Int8Array[] = [];

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  parse(): JpegFile {
    demand(this.#u16(0) === 0xff00 + MARKER.soi);
    for (let at = 2; ; ) {
      demand(this.#u8(at) === 0xff);
      const marker = this.#u8(at + 1);
      if (marker === MARKER.eoi) break;
      const length = this.#u16(at + 2);
      demand(length >= 2 && at + 2 + length <= this.#bytes.length);
      at = this.#segment(marker, at + 4, at + 2 + length);
    }
    return this.#file();
  }

  /** A marker's content from .. to. Returns where the next marker is. */
  #segment(marker: number, from: number, to: number): number {
    if (marker === MARKER.dqt) this.#quantizationTables(from, to);
    else if (marker === MARKER.dht) this.#huffmanTables(from, to);
    else if (marker === MARKER.dri) this.#defineRestartInterval(from, to);
    else if (marker === MARKER.sos) return this.#scan(from, to);
    else if (marker >= MARKER.app0 && marker <= APP15!) this.#application(marker, this.#bytes.subarray(from, to));
    else if (marker !== MARKER.com) this.#frameHeader(marker, from, to);
    return to;
  }

  #quantizationTables(from: number, to: number): void {
    // a component keeps the table that its first scan found; nothing here keeps several
    demand(this.#scans.length === 0);
    for (let at = from; at < to; at += 65) {
      const kind = this.#u8(at);
      demand(kind < 4 && at + 65 <= to);
      const table = new Int16Array(64);
      for (let k = 0; k < 64; k++) table[ZIGZAG[k]!] = this.#bytes[at + 1 + k]!;
      this.#quantization[kind] = table;
    }
  }

  #huffmanTables(from: number, to: number): void {
    for (let at = from; at < to; ) {
      const kind = this.#u8(at);
      demand((kind & 0xef) < 4 && at + 17 <= to);
      this.#huffman[(kind >> 4) * 4 + (kind & 15)] = at + 1;
      let symbols = 0;
      for (let length = 1; length <= 16; length++) symbols += this.#u8(at + length);
      at += 17 + symbols;
      demand(symbols <= 256 && at <= to);
    }
  }

  #defineRestartInterval(from: number, to: number): void {
    demand(to - from === 2);
    this.#restartInterval = this.#u16(from);
  }

  #application(marker: number, content: Uint8Array): void {
    const begins = (text: string) => [...text].every((letter, i) => content[i] === letter.charCodeAt(0));
    if (marker === MARKER.app0 && begins("JFIF\0")) this.#isJfif = true;
    if (marker === APP14 && begins("Adobe") && content.length >= 12) this.#adobeTransform = content[11]!;
    if (marker === APP1 && begins("Exif\0\0")) demand(exifOrientation(content.subarray(6)) === 1);
  }

  #frameHeader(marker: number, from: number, to: number): void {
    const isProgressive = marker === FRAMES.progressive;
    demand((isProgressive || marker === FRAMES.baseline || marker === FRAMES.extended) && this.#frame === undefined);
    const count = this.#u8(from + 5);
    demand(this.#u8(from) === 8 && (count === 1 || count === 3) && from + 6 + 3 * count === to);
    const components = Array.from({ length: count }, (_, i) => {
      const at = from + 6 + 3 * i;
      const sampling = this.#u8(at + 1);
      demand([sampling >> 4, sampling & 15].every((factor) => factor >= 1 && factor <= 4));
      // a single component's blocks follow each other whatever its factors
      const [across, down] = count === 1 ? [1, 1] : [sampling >> 4, sampling & 15];
      return { id: this.#u8(at), across, down, table: this.#u8(at + 2) };
    });
    const [height, width] = [this.#u16(from + 1), this.#u16(from + 3)];
    demand(width > 0 && height > 0);
    this.#frame = { width, height, isProgressive, components };
    this.#known = components.map(() => new Int8Array(64).fill(-1));
  }

  #scan(from: number, to: number): number {
    const frame = this.#frame;
    demand(frame !== undefined);
    const count = this.#u8(from);
    demand(count >= 1 && count <= frame.components.length && from + 4 + 2 * count === to);
    const parameters = from + 1 + 2 * count;
    const [first, last] = [this.#u8(parameters), this.#u8(parameters + 1)];
    const [high, low] = [this.#u8(parameters + 2) >> 4, this.#u8(parameters + 2) & 15];
    if (frame.isProgressive) {
      demand(first === 0 ? last === 0 : last >= first && last <= 63 && count === 1);
    } else {
      demand(first === 0 && last === 63 && high === 0 && low === 0);
    }
    const components = Array.from({ length: count }, (_, i) => {
      const id = this.#u8(from + 1 + 2 * i);
      const tables = this.#u8(from + 2 + 2 * i);
      const index = frame.components.findIndex((component) => component.id === id);
      demand(index >= 0);
      this.#learn(this.#known[index]!, { first, last, high, low });
      const dc = first === 0 && high === 0 ? this.#huffman[tables >> 4] : -1;
      const ac = last > 0 ? this.#huffman[4 + (tables & 15)] : -1;
      demand(dc !== undefined && ac !== undefined);
      return { index, dc, ac };
    });
    demand(components.every(({ index }, i) => i === 0 || index > components[i - 1]!.index));
    const end = this.#endOfScan(to);
    const restartInterval = this.#restartInterval;
    this.#scans.push({ components, first, last, high, low, restartInterval, begin: to, end });
    return end;
  }

  /** Each bit of each coefficient comes once, in order, DC first. */
  #learn(known: Int8Array, { first, last, high, low }: Pick<JpegScan, "first" | "last" | "high" | "low">): void {
    demand(low <= 13 && (first === 0 || known[0]! >= 0));
    for (let k = first; k <= last; k++) {
      demand(high === 0 ? known[k] === -1 : known[k] === high && low === high - 1);
      known[k] = low;
    }
  }

  /** The next marker but for restarts; 0 behind 0xff is a stuffed byte. */
  #endOfScan(from: number): number {
    let at = from;
    for (;;) {
      at = this.#bytes.indexOf(0xff, at);
      demand(at >= 0);
      const next = this.#u8(at + 1);
      if (next !== 0 && (next & 0xf8) !== 0xd0) return at;
      at += 2;
    }
  }

  #file(): JpegFile {
    const frame = this.#frame;
    demand(frame !== undefined);
    // what is missing at the end is guessed by libjpeg (block smoothing)
    demand(this.#known.every((bits) => bits.every((low) => low === 0)));
    if (frame.components.length === 3) this.#checkYcbcr(frame);
    const components = frame.components.map(({ id, across, down, table }) => {
      const quantization = this.#quantization[table];
      demand(quantization !== undefined);
      return { id, across, down, quantization };
    });
    const { width, height } = frame;
    return { width, height, components, scans: this.#scans };
  }

  /** libjpeg's way to tell YCbCr; chroma at full size, half the width, or half of both sides. */
  #checkYcbcr({ components, width }: Frame): void {
    const [luma, blue, red] = components as [Frame["components"][0], Frame["components"][0], Frame["components"][0]];
    const ids = [luma.id, blue.id, red.id].join();
    const isYcbcr =
      this.#isJfif || (this.#adobeTransform === undefined ? ids !== "82,71,66" : this.#adobeTransform === 1);
    demand(isYcbcr);
    demand([blue, red].every(({ across, down }) => across === 1 && down === 1));
    const isHalfWidth = luma.across === 2 && (luma.down === 1 || luma.down === 2);
    demand(isHalfWidth || (luma.across === 1 && luma.down === 1));
    // libjpeg repeats the chroma of smaller ones
    demand(!isHalfWidth || Math.ceil(width / 2) > 2);
  }

  #u8(at: number): number {
    const value = this.#bytes[at];
    demand(value !== undefined);
    return value;
  }

  #u16(at: number): number {
    return this.#u8(at) * 256 + this.#u8(at + 1);
  }
}

/** Natural position (8 row + column) of each coefficient in zigzag order. */
const ZIGZAG: readonly number[] = zigzag();

/** Diagonals row + column = 0 .. 14, the odd ones downwards. */
function zigzag(): number[] {
  const positions = Array.from({ length: 64 }, (_, natural) => natural);
  const diagonal = (natural: number) => (natural >> 3) + (natural & 7);
  const along = (natural: number) => (diagonal(natural) % 2 === 1 ? natural >> 3 : natural & 7);
  return positions.sort((a, b) => diagonal(a) - diagonal(b) || along(a) - along(b));
}
