import { type AnyNode, AslError, type Graph, optimize, type Program, type Tensors, type ValueId } from "asl-core";
import { type LateCheck, Lowering, type Quirks } from "./lower/lowering.js";
import { lowerNode } from "./lower/table.js";
import { type DeviceTensor, type TensorFlow, toDevice } from "./tensorflow.js";

/** What a run leaves on the device; all of it belongs to the caller. */
export interface Execution {
  readonly outputs: Record<string, DeviceTensor>;
  readonly lateChecks: readonly LateCheck[];
}

/** A program with its constants on the device. */
export class CompiledProgram {
  readonly #graph: Graph;
  readonly #constants = new Map<ValueId, DeviceTensor>();
  readonly #neverNaN = new Set<ValueId>();
  /** Per node, the values that nothing reads afterwards. */
  readonly #freedAfter: readonly (readonly ValueId[])[];

  constructor(
    readonly name: string,
    readonly program: Program,
    private readonly tf: TensorFlow,
    private readonly quirks: Quirks,
  ) {
    this.#graph = optimize(program.graph);
    for (const node of this.#graph.nodes) {
      if (node.op === "constant") {
        const { value } = node.attrs;
        this.#constants.set(node.output, toDevice(tf, value));
        if (!value.data.some(Number.isNaN)) this.#neverNaN.add(node.output);
      } else if (node.op === "broadcast" || node.op === "reshape") {
        if (this.#neverNaN.has(node.inputs[0]!)) this.#neverNaN.add(node.output);
      }
    }
    this.#freedAfter = freedAfter(this.#graph);
  }

  /** Runs the graph; the results belong to the caller, who disposes them. Synchronous: no other session comes between. */
  execute(state: ReadonlyMap<string, DeviceTensor>, feeds: Tensors): Execution {
    const { tf, program } = this;
    let lateChecks: readonly LateCheck[] = [];
    const outputs = tf.tidy(() => {
      const lowering = new Lowering(tf, this.#graph, this.quirks, this.#neverNaN);
      for (const [name, id] of Object.entries(this.#graph.inputs)) {
        const stateName = program.reads[name];
        lowering.set(id, stateName === undefined ? toDevice(tf, feeds[name]!) : state.get(stateName)!);
      }
      lateChecks = lowering.lateChecks;
      for (const [id, tensor] of this.#constants) lowering.set(id, tensor);
      this.#graph.nodes.forEach((node, index) => {
        if (node.op !== "constant") this.#apply(node, lowering);
        for (const id of this.#freedAfter[index]!) lowering.free(id);
      });
      const results: Record<string, DeviceTensor> = {};
      for (const [name, id] of Object.entries(this.#graph.outputs)) results[name] = tf.clone(lowering.full(id));
      return results;
    });
    return { outputs, lateChecks };
  }

  #apply(node: AnyNode, lowering: Lowering): void {
    try {
      lowering.apply(node, () => lowerNode(node, lowering));
    } catch (cause) {
      for (const { extremes } of lowering.lateChecks) extremes.dispose();
      const scope = node.scope === "" ? "" : ` (${node.scope})`;
      const detail = cause instanceof Error ? cause.message : String(cause);
      const message = `program ${this.name}: TensorFlow.js could not run ${node.op}${scope}: ${detail}`;
      throw new AslError("ERR_ASL_BACKEND", message, { cause });
    }
  }

  dispose(): void {
    for (const tensor of this.#constants.values()) tensor.dispose();
    this.#constants.clear();
  }
}

/** Inputs and constants are never freed by a run, nor are outputs. */
function freedAfter(graph: Graph): readonly (readonly ValueId[])[] {
  const lastUse = new Map<ValueId, number>();
  graph.nodes.forEach(({ op, inputs, output }, index) => {
    if (op !== "constant") lastUse.set(output, index);
    for (const id of inputs) if (lastUse.has(id)) lastUse.set(id, index);
  });
  for (const id of Object.values(graph.outputs)) lastUse.delete(id);
  const freed = graph.nodes.map((): ValueId[] => []);
  for (const [id, index] of lastUse) freed[index]!.push(id);
  return freed;
}
