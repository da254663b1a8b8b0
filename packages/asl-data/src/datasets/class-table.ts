import { DatasetError } from "../errors.js";
import { listed } from "./listing.js";
import type { DatasetOptions } from "./options.js";

/** The classes of a dataset, and which of them a name in its files means. */
export interface ClassTable {
  readonly classes: readonly string[];
  /** The index of the class that a name means; undefined for a name that is none of them. */
  indexOf(name: string): number | undefined;
}

/**
 * Resolves the names that a dataset uses: aliases first, then the given classes or the dataset's own. Two names may
 * mean one class. `source` begins messages. Throws DatasetError for no class, a doubled one, or given classes of which
 * the dataset has none.
 */
export function classTable(own: readonly string[], options: DatasetOptions, source: string): ClassTable {
  const aliases = new Map(Object.entries(options.aliases ?? {}));
  const canonical = (name: string) => aliases.get(name) ?? name;
  const classes = options.classes ?? [...new Set(own.map(canonical))];
  if (classes.length === 0) throw new DatasetError(`${source}: it has no classes; at least one is needed.`);
  const indices = new Map(classes.map((name, index) => [name, index]));
  if (indices.size !== classes.length) {
    const doubled = classes.find((name, index) => classes.indexOf(name) !== index);
    throw new DatasetError(`${source}: the class "${doubled}" is there twice; names must differ.`);
  }
  if (options.classes !== undefined && !own.some((name) => indices.has(canonical(name)))) {
    throw new DatasetError(
      `${source}: none of its ${own.length} categories (${listed(own)}) is among the ${classes.length} given classes ` +
        `(${listed(classes)}). Are these annotations for another dataset?`,
    );
  }
  return { classes, indexOf: (name) => indices.get(canonical(name)) };
}

/** Labels of classes that are not in the table. */
export class UnknownLabels {
  readonly #source: string;
  readonly #found: string[] = [];

  constructor(source: string) {
    this.#source = source;
  }

  /** `place` says where: `FILE: line 7: "dog"`. */
  add(place: string): void {
    this.#found.push(place);
  }

  /** Throws DatasetError that lists the first of them, if there are any. */
  check(classes: readonly string[]): void {
    if (this.#found.length === 0) return;
    throw new DatasetError(
      `${this.#source}: ${this.#found.length} labels are none of the ${classes.length} classes (${listed(classes)}): ` +
        `${listed(this.#found)}. Add these classes (--classes), name them otherwise (--aliases) or remove the labels.`,
    );
  }
}
