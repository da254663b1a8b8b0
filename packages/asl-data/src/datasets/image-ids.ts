const HEXADECIMAL = /^[0-9a-f]{16}$/i;
const START = 2 ** 16;

/**
 * Numbers the 64-bit image ids of Open Images in the order in which they come. An open-addressing table of 12 bytes per
 * place: a Map of strings would take ten times the memory for millions of pictures.
 */
export class ImageIds {
  /** By number: upper and lower half of the id. */
  #high = new Uint32Array(START);
  #low = new Uint32Array(START);
  /** By place: number + 1; 0 for a free place. At most half of the places are taken. */
  #places = new Uint32Array(2 * START);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** The number of an id, a new one if need be; undefined when the text is no id of 16 hexadecimal digits. */
  numberOf(id: string): number | undefined {
    if (!HEXADECIMAL.test(id)) return undefined;
    const high = Number.parseInt(id.slice(0, 8), 16);
    const low = Number.parseInt(id.slice(8), 16);
    const place = this.#find(high, low);
    const taken = this.#places[place]!;
    if (taken !== 0) return taken - 1;
    const number = this.#count++;
    this.#high[number] = high;
    this.#low[number] = low;
    this.#places[place] = this.#count;
    if (this.#count === this.#high.length) this.#grow();
    return number;
  }

  /** The id of a number, 16 hexadecimal digits. */
  idOf(number: number): string {
    const digits = (half: number) => half.toString(16).padStart(8, "0");
    return digits(this.#high[number]!) + digits(this.#low[number]!);
  }

  #find(high: number, low: number): number {
    const mask = this.#places.length - 1;
    let place = hash(high, low) & mask;
    for (;;) {
      const taken = this.#places[place]!;
      if (taken === 0 || (this.#high[taken - 1] === high && this.#low[taken - 1] === low)) return place;
      place = (place + 1) & mask;
    }
  }

  #grow(): void {
    const twice = (half: Uint32Array) => {
      const larger = new Uint32Array(2 * half.length);
      larger.set(half);
      return larger;
    };
    this.#high = twice(this.#high);
    this.#low = twice(this.#low);
    this.#places = new Uint32Array(2 * this.#places.length);
    for (let number = 0; number < this.#count; number++) {
      this.#places[this.#find(this.#high[number]!, this.#low[number]!)] = number + 1;
    }
  }
}

/** The ids are random already; mixing guards against made-up ones that count upwards. */
function hash(high: number, low: number): number {
  const mixed = Math.imul(low ^ Math.imul(high, 0x9e3779b1), 0x85ebca6b);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}
