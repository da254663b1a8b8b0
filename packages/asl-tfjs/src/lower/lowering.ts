import { type AnyNode, type Graph, type OpName, type Shape, sameShape, sizeOf, traitsOf, type ValueId } from "asl-core";
import { type DeviceTensor, type TensorFlow, zerosOf } from "../tensorflow.js";

/** What a TensorFlow.js backend does otherwise than the ops ask; found by trying. */
export interface Quirks {
  /** maximum(1, NaN) is 1: NaN counts in the first argument only. */
  readonly maximumDropsNaN: boolean;
  /** The cpu backend slices at 600 ns an element, ten times as long as it gathers. */
  readonly slicesSlowly: boolean;
  /** A GPU: reading a tensor in the middle of a run waits for all that came before, or, on webgpu, breaks the device. */
  readonly readsLate: boolean;
  /** div(0, 0) is 1: any a / a is taken for 1. */
  readonly equalsDivideToOne: boolean;
  /** max(-infinity, -infinity) is a finite number, with which the kernel begins. */
  readonly maxHasFloor: boolean;
  /** Functions whose kernels break their ops' contracts. */
  readonly coarse: ReadonlySet<CoarseFunction>;
}

export const COARSE_FUNCTIONS = ["exp", "log", "sigmoid", "pow"] as const satisfies readonly OpName[];
export type CoarseFunction = (typeof COARSE_FUNCTIONS)[number];

/** Indices that a run has used, clamped, and that are looked at when it is over. */
export interface LateCheck {
  /** The smallest and the largest index. Belongs to whoever reads it. */
  readonly extremes: DeviceTensor;
  /** Throws for indices outside. */
  judge(extremes: ArrayLike<number>): void;
}

/**
 * The values of one run as lowerings see them. A value is held with its rank and, along axes where it only repeats, with
 * extent 1: TensorFlow.js broadcasts elementwise ops by itself, so that most `broadcast` nodes cost nothing.
 */
export class Lowering {
  readonly #values: (DeviceTensor | undefined)[] = [];
  readonly lateChecks: LateCheck[] = [];

  constructor(
    readonly tf: TensorFlow,
    readonly graph: Graph,
    readonly quirks: Quirks,
    private readonly neverNaN: ReadonlySet<ValueId>,
  ) {}

  shape(id: ValueId): Shape {
    return this.graph.types[id]!.shape;
  }

  /** The value as it is held. */
  compact(id: ValueId): DeviceTensor {
    return this.#values[id]!;
  }

  /** The value with all its elements. */
  full(id: ValueId): DeviceTensor {
    return this.spread(this.compact(id), this.shape(id));
  }

  /** A tensor repeated to fill a shape of its rank. */
  spread(tensor: DeviceTensor, shape: Shape): DeviceTensor {
    const { tf } = this;
    if (sameShape(tensor.shape, shape)) return tensor;
    // 1 * x is x; on the cpu and wasm backends three times faster than repeating a single element
    if (tensor.size === 1 && tensor.dtype === "float32") return tf.mul(tf.ones([...shape]), tf.reshape(tensor, []));
    return this.quirks.readsLate && shape.length > 4
      ? this.#spreadRuns(tensor, shape)
      : tf.broadcastTo(tensor, [...shape]);
  }

  /** Webgpu's Tile of rank 5 and more computes on the host, with a read that breaks the device: here it has rank 3. */
  #spreadRuns(tensor: DeviceTensor, shape: Shape): DeviceTensor {
    const { tf } = this;
    let spread = tensor;
    // From the last axis to the first: axes [start, end) repeat, what comes after them is complete.
    for (let end = shape.length; end > 0; end--) {
      if (tensor.shape[end - 1] === shape[end - 1]) continue;
      let start = end - 1;
      while (start > 0 && tensor.shape[start - 1] === 1) start--;
      const before = sizeOf(tensor.shape.slice(0, start));
      const repeats = sizeOf(shape.slice(start, end));
      spread = tf.tile(tf.reshape(spread, [before, 1, sizeOf(shape.slice(end))]), [1, repeats, 1]);
      end = start + 1;
    }
    return tf.reshape(spread, [...shape]);
  }

  /** Whether the value is known to hold no NaN. */
  isNeverNaN(id: ValueId): boolean {
    return this.neverNaN.has(id);
  }

  set(id: ValueId, tensor: DeviceTensor): void {
    this.#values[id] = tensor;
  }

  free(id: ValueId): void {
    this.#values[id]!.dispose();
    this.#values[id] = undefined;
  }

  /** Runs one node; its temporary tensors are gone afterwards. */
  apply(node: AnyNode, lower: () => DeviceTensor): void {
    const result = this.tf.tidy(() => {
      const empty = this.#emptyResult(node);
      if (empty !== undefined) return empty;
      const tensor = lower();
      // A tensor belongs to one value: two may not share it, or the first to be freed takes it from the other.
      return node.inputs.some((id) => this.compact(id) === tensor) ? this.tf.clone(tensor) : tensor;
    });
    this.set(node.output, result);
  }

  /** Results without elements, and sums of nothing: kernels do not agree on these. */
  #emptyResult({ op, inputs, output }: AnyNode): DeviceTensor | undefined {
    const { dtype, shape } = this.graph.types[output]!;
    const sums = traitsOf(op).contraction || op === "reduceSum";
    const isEmpty = sizeOf(shape) === 0 || (sums && inputs.some((id) => sizeOf(this.shape(id)) === 0));
    return isEmpty ? zerosOf(this.tf, dtype, shape) : undefined;
  }
}
