import type { FunctionName } from "./functions.js";
import { coordinatesOf, flatOf, type Position } from "./position.js";

const IDENTIFIER = /^(\w+|\d+u)$/;

/** The statements of one WGSL function under construction. What has been computed is not computed again. */
export class Body {
  readonly #lines: string[] = [];
  /** Names by key; one map for each open block, for what a block computes is not seen outside. */
  readonly #known: Map<string, string>[] = [new Map()];
  #count = 0;

  constructor(
    /** Collects the names of the functions that are called. */
    readonly functions: Set<string>,
    /** Prefix of the names that are made; functions of one module may share a body's statements. */
    private readonly prefix = "v",
  ) {}

  get text(): string {
    return this.#lines.join("\n");
  }

  line(text: string): void {
    this.#lines.push("  ".repeat(this.#known.length) + text);
  }

  fresh(): string {
    return `${this.prefix}${this.#count++}`;
  }

  /** `compute`'s expression under a name; the name it already has when `key` is known. */
  once(key: string, compute: () => string): string {
    const known = this.#known.findLast((layer) => layer.has(key))?.get(key);
    if (known !== undefined) return known;
    const expression = compute();
    const name = IDENTIFIER.test(expression) ? expression : this.name(expression);
    this.#known.at(-1)!.set(key, name);
    return name;
  }

  name(expression: string): string {
    const name = this.fresh();
    this.line(`let ${name} = ${expression};`);
    return name;
  }

  /** `text { ... }`, with what `inside` writes. */
  block(text: string, inside: () => void): void {
    this.line(`${text} {`);
    this.#known.push(new Map());
    inside();
    this.#known.pop();
    this.line("}");
  }

  call(name: FunctionName, ...args: readonly string[]): string {
    this.functions.add(name);
    return `${name}(${args.join(", ")})`;
  }

  flat(position: Position): string {
    if (position.flat !== undefined) return position.flat;
    const expression = flatOf(position.shape, position.coordinates!);
    return this.once(`flat ${expression}`, () => expression);
  }

  coordinates(position: Position): readonly string[] {
    if (position.coordinates !== undefined) return position.coordinates;
    return coordinatesOf(position.shape, position.flat!).map((expression) =>
      this.once(`coordinate ${expression}`, () => expression),
    );
  }
}
