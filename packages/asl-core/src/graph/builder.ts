import { GraphError, ShapeError } from "../errors/errors.js";
import { type AttrsOf, definitionOf, type OpName } from "../ops/table.js";
import { formatType, type Shape, scalar, type TensorData, type TensorType } from "../types/tensor.js";
import type { AnyNode, Graph, Node, ValueId } from "./graph.js";

/** A handle on one value of a graph under construction. */
export class Value {
  constructor(
    readonly builder: Builder,
    readonly id: ValueId,
    readonly type: TensorType,
  ) {}

  get shape(): Shape {
    return this.type.shape;
  }
}

/** d loss / d input for each of `inputs`, from g = d loss / d y; undefined means zero. */
export interface CustomGradient {
  readonly inputs: readonly Value[];
  readonly rule: (g: Value) => readonly (Value | undefined)[];
}

/** Appends typed nodes in order; `finish` freezes them into a Graph. */
export class Builder {
  readonly #nodes: AnyNode[] = [];
  readonly #types: TensorType[] = [];
  readonly #inputs: Record<string, ValueId> = {};
  readonly #producers: (AnyNode | undefined)[] = [];
  readonly #scalars = new Map<number, Value>();
  readonly #customGradients = new Map<ValueId, CustomGradient>();
  #scope = "";

  /** The nodes so far, in topological order. */
  get nodes(): readonly AnyNode[] {
    return this.#nodes;
  }

  get currentScope(): string {
    return this.#scope;
  }

  /** Declares a graph input; names are unique. */
  input(name: string, type: TensorType): Value {
    if (Object.hasOwn(this.#inputs, name)) throw new GraphError(`input "${name}" is declared twice`);
    const value = this.#define(type, undefined);
    this.#inputs[name] = value.id;
    return value;
  }

  /** A number (an f32 scalar, shared between uses) or a tensor as part of the graph. */
  constant(value: number | TensorData): Value {
    if (typeof value !== "number") return this.apply("constant", [], { value });
    // Object.is keeps -0 apart from 0, which a Map key does not.
    const known = Object.is(value, -0) ? undefined : this.#scalars.get(value);
    if (known !== undefined) return known;
    const made = this.scope("", () => this.apply("constant", [], { value: scalar(value) }), "root");
    if (!Object.is(value, -0)) this.#scalars.set(value, made);
    return made;
  }

  /** Applies an op; throws ShapeError when the arguments do not fit. */
  apply<K extends OpName>(op: K, inputs: readonly Value[], attrs: AttrsOf<K>): Value {
    const definition = definitionOf(op);
    for (const input of inputs) {
      if (input.builder !== this) {
        throw new GraphError(
          `${op}: argument %${input.id} ${formatType(input.type)} belongs to another graph (${this.#scope})`,
        );
      }
    }
    checkArgumentCount(op, definition.arguments, inputs.length, this.#scope);
    const type = definition.infer(
      inputs.map((input) => input.type),
      attrs,
      this.#scope,
    );
    const output = this.#types.length as ValueId;
    const node: Node<K> = { op, inputs: inputs.map((input) => input.id), output, attrs, scope: this.#scope };
    // Node<K> for a generic K is one member of the union; TypeScript cannot see which.
    const paired = node as unknown as AnyNode;
    this.#nodes.push(paired);
    return this.#define(type, paired);
  }

  /** Runs `body` with `name` appended to the scope ("layer1" then "0" gives "layer1.0"); `from: "root"` replaces it. */
  scope<T>(name: string, body: () => T, from: "here" | "root" = "here"): T {
    const outer = this.#scope;
    this.#scope = from === "root" ? name : [outer, name].filter((part) => part !== "").join(".");
    try {
      return body();
    } finally {
      this.#scope = outer;
    }
  }

  producer(value: Value): AnyNode | undefined {
    return this.#producers[value.id];
  }

  /**
   * Gives `y`, a composite of several nodes, a gradient rule of its own: the reverse sweep goes from y straight to
   * `inputs` and does not enter the nodes between; whatever is not among `inputs` gets no gradient through y.
   * For closed forms that cost less than the chain rule.
   */
  differentiateAs(y: Value, inputs: readonly Value[], rule: CustomGradient["rule"]): Value {
    this.#customGradients.set(y.id, { inputs, rule });
    return y;
  }

  customGradient(id: ValueId): CustomGradient | undefined {
    return this.#customGradients.get(id);
  }

  /** The handle of an existing value. */
  value(id: ValueId): Value {
    const type = this.#types[id];
    if (type === undefined) throw new GraphError(`no value %${id} in this graph`);
    return new Value(this, id, type);
  }

  finish(outputs: Readonly<Record<string, Value>>): Graph {
    const ids: Record<string, ValueId> = {};
    for (const [name, value] of Object.entries(outputs)) {
      if (value.builder !== this) throw new GraphError(`output "${name}" belongs to another graph`);
      ids[name] = value.id;
    }
    return { inputs: { ...this.#inputs }, outputs: ids, nodes: [...this.#nodes], types: [...this.#types] };
  }

  #define(type: TensorType, producer: AnyNode | undefined): Value {
    const id = this.#types.length as ValueId;
    this.#types.push(type);
    this.#producers.push(producer);
    return new Value(this, id, type);
  }
}

/** Throws ShapeError unless `count` arguments fit the declared names. */
export function checkArgumentCount(op: string, names: readonly string[], count: number, scope: string): void {
  const variadic = names.at(-1)?.startsWith("...") ?? false;
  if (variadic ? count >= names.length : count === names.length) return;
  throw new ShapeError(
    op,
    `takes ${variadic ? "at least " : ""}${names.length} argument(s) (${names.join(", ")}); got ${count}`,
    scope,
  );
}

/** Builds a graph: `build((b) => ({ y: exp(b.input("x", type)) }))`. */
export function build(body: (builder: Builder) => Readonly<Record<string, Value>>): Graph {
  const builder = new Builder();
  return builder.finish(body(builder));
}
