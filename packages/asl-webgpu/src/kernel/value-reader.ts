import { type AnyNode, AslError, type DType, type TensorType, type ValueId } from "asl-core";
import type { Arithmetic, ElementwiseLowering, MovementLowering, Reader } from "../lower/lowering.js";
import { loweringOf } from "../lower/table.js";
import type { Body } from "../wgsl/body.js";
import type { FunctionName } from "../wgsl/functions.js";
import { flatOf, type Position } from "../wgsl/position.js";
import { COMPUTED, literal } from "../wgsl/storage.js";
import type { Bindings, BufferTypes } from "./bindings.js";

/** What a kernel knows of the graph. */
export interface KernelContext extends BufferTypes {
  /** The node that makes each value. */
  readonly producers: readonly (AnyNode | undefined)[];
  /** Whether a value lies in a buffer when this kernel runs; all others are computed where they are read. */
  isStored(value: ValueId): boolean;
  /** The number of a value all of whose elements are alike and known. */
  splatOf(value: ValueId): number | undefined;
  /** Whether something in this kernel computes with a rounded value. */
  isComputedWith(value: ValueId): boolean;
  readonly arithmetic: Arithmetic;
}

/** Reads values into a body: from their buffers, or by computing them and what they need on the spot. */
export class ValueReader implements Reader {
  readonly #given = new Map<ValueId, { readonly flat: string; readonly name: string }>();

  constructor(
    private readonly context: KernelContext,
    private readonly bindings: Bindings,
    private readonly body: Body,
  ) {}

  /** A value that the kernel has computed by other means, at one position. */
  give(id: ValueId, flat: string, name: string): void {
    this.#given.set(id, { flat, name });
  }

  typeOf = (id: ValueId): TensorType => this.context.types[id]!;
  coordinates = (position: Position): readonly string[] => this.body.coordinates(position);
  flat = (position: Position): string => this.body.flat(position);
  call = (name: FunctionName, ...args: readonly string[]): string => this.body.call(name, ...args);

  read(id: ValueId, position: Position): string {
    const { context, body } = this;
    const given = this.#given.get(id);
    if (given !== undefined && given.flat === position.flat) return given.name;
    const splat = context.splatOf(id);
    const { dtype } = this.typeOf(id);
    if (splat !== undefined) return literal(dtype, splat);
    const place = position.flat ?? flatOf(position.shape, position.coordinates!);
    return body.once(`%${id} at ${place}`, () => {
      if (context.isStored(id)) return this.bindings.load(id, body.flat(position));
      return this.#computed(id, position);
    });
  }

  #computed(id: ValueId, position: Position): string {
    const { context } = this;
    const node = context.producers[id];
    const lowering = node === undefined ? undefined : loweringOf(node.op);
    if (node === undefined || (lowering?.kind !== "elementwise" && lowering?.kind !== "movement")) {
      throw new AslError(
        "ERR_ASL_BACKEND",
        `webgpu: value %${id} (${node?.op ?? "input"}) is read before it is stored`,
      );
    }
    if (lowering.kind === "movement") return (lowering as MovementLowering<typeof node.op>).read(node, position, this);
    const args = node.inputs.map((input) => this.read(input, position));
    const expression = (lowering as ElementwiseLowering<typeof node.op>).expression(args, {
      node,
      inputs: node.inputs.map(this.typeOf),
      arithmetic: context.arithmetic,
      call: this.call,
    });
    return lowering.rounds && context.isComputedWith(id) ? this.call("held", expression) : expression;
  }

  when(condition: string, dtype: DType, otherwise: string, inside: () => string, outside?: () => string): string {
    const { body } = this;
    const name = body.fresh();
    body.line(`var ${name}: ${COMPUTED[dtype]} = ${otherwise};`);
    body.block(`if (${condition})`, () => body.line(`${name} = ${inside()};`));
    if (outside !== undefined) body.block("else", () => body.line(`${name} = ${outside()};`));
    return name;
  }
}
