import { type AnyNode, sizeOf, type TensorType, type ValueId } from "asl-core";
import { loweringOf } from "../lower/table.js";
import type { Reads } from "./reads.js";

/** A group while groups are still joined. */
export interface Draft {
  readonly nodes: ReadonlySet<AnyNode>;
  readonly head: AnyNode | undefined;
  /** Last value that it makes. */
  readonly last: number;
  /** At least the last value that it or any group that it waits for makes: what is behind cannot be waited for. */
  reach: number;
}

export interface DraftLimits {
  /** Buffers that one kernel may read and write. */
  readonly mostBuffers: number;
  readonly mostNodes: number;
  /** Values from this one on are made late: a group holds only such, or none. */
  readonly lateFrom: number;
}

/** Nodes in groups that are joined one by one, as long as the groups can run one after another. */
export class Drafts {
  readonly #groupOf = new Map<ValueId, Draft>();
  /** Nodes that read a value, in order. */
  readonly #readers = new Map<ValueId, { readonly node: AnyNode; readonly isDirect: boolean }[]>();

  constructor(
    private readonly types: readonly TensorType[],
    readonly reads: Reads,
    private readonly isRequired: (value: ValueId) => boolean,
    private readonly limits: DraftLimits,
  ) {
    for (const node of reads.nodes) {
      for (const { source, isDirect } of reads.of(node)) {
        const readers = this.#readers.get(source) ?? [];
        readers.push({ node, isDirect });
        this.#readers.set(source, readers);
      }
      const { kind } = loweringOf(node.op);
      const isHead = kind === "contraction" || kind === "reduction";
      const { output } = node;
      const head = isHead ? node : undefined;
      this.#groupOf.set(output, { nodes: new Set([node]), head, last: output, reach: output });
    }
  }

  get all(): ReadonlySet<Draft> {
    return new Set(this.#groupOf.values());
  }

  of(value: ValueId): Draft | undefined {
    return this.#groupOf.get(value);
  }

  readersOf(value: ValueId) {
    return this.#readers.get(value) ?? [];
  }

  /** Number of elements that every invocation of the group's kernel makes one of. */
  sizeOf({ head, nodes }: Draft): number {
    const [first] = nodes;
    return sizeOf(this.types[(head ?? first!).output]!.shape);
  }

  /** Values that the group makes and something outside of it reads. */
  storesOf(draft: Draft): ValueId[] {
    return [...draft.nodes]
      .map(({ output }) => output)
      .filter((value) => this.isRequired(value) || this.readersOf(value).some(({ node }) => !draft.nodes.has(node)));
  }

  /** Values that the group reads and does not make. */
  sourcesOf(draft: Draft): Set<ValueId> {
    const sources = new Set<ValueId>();
    for (const node of draft.nodes) {
      for (const { source } of this.reads.of(node)) {
        const maker = this.of(source);
        if (maker !== draft) sources.add(source);
      }
    }
    return sources;
  }

  /** Makes `consumer`'s nodes part of `producer`, if one kernel can do both. */
  join(producer: Draft, consumer: Draft): boolean {
    if (producer === consumer) return true;
    if (producer.head !== undefined && consumer.head !== undefined) return false;
    if (this.#isLate(producer) !== this.#isLate(consumer)) return false;
    if (producer.nodes.size + consumer.nodes.size > this.limits.mostNodes) return false;
    const joined = union(producer, consumer, producer.head ?? consumer.head);
    if (!this.#fits(joined, [producer, consumer]) || this.#needsItself(joined, producer, consumer)) return false;
    this.#replace(joined);
    return true;
  }

  /** Computes `producer`'s only result where `consumer` reads it. There is no other reader, so no order is broken. */
  absorb(producer: Draft, consumer: Draft): boolean {
    if (this.#isLate(producer) !== this.#isLate(consumer)) return false;
    if (producer.nodes.size + consumer.nodes.size > this.limits.mostNodes) return false;
    const joined = union(producer, consumer, consumer.head);
    if (!this.#fits(joined, [producer, consumer])) return false;
    this.#replace(joined);
    return true;
  }

  #isLate = ({ last }: Draft) => last >= this.limits.lateFrom;

  #replace(joined: Draft): void {
    for (const { output } of joined.nodes) this.#groupOf.set(output, joined);
    this.#extendReach(joined);
  }

  /** Whoever waits for the group waits for all that it reaches. */
  #extendReach(changed: Draft): void {
    const pending = [changed];
    for (let draft = pending.pop(); draft !== undefined; draft = pending.pop()) {
      for (const { output } of draft.nodes) {
        for (const { node } of this.readersOf(output)) {
          const reader = this.of(node.output)!;
          if (reader.reach >= draft.reach) continue;
          reader.reach = draft.reach;
          pending.push(reader);
        }
      }
    }
  }

  #fits(joined: Draft, parts: readonly Draft[]): boolean {
    const isInside = (value: ValueId) => parts.some(({ nodes }) => this.of(value)?.nodes === nodes);
    let buffers = this.storesOf(joined).length;
    const sources = new Set<ValueId>();
    for (const node of joined.nodes) {
      for (const { source } of this.reads.of(node)) if (!isInside(source)) sources.add(source);
    }
    buffers += sources.size;
    // contractions and reductions may need one more, for partial sums
    return buffers + (joined.head === undefined ? 0 : 1) <= this.limits.mostBuffers;
  }

  /**
   * Whether the joined group would wait for itself: it reads one of its own values at another place, or a value that
   * some other group makes from its values.
   */
  #needsItself(joined: Draft, producer: Draft, consumer: Draft): boolean {
    const isInside = (draft: Draft | undefined) => draft === producer || draft === consumer;
    const visited = new Set<Draft>();
    const pending: Draft[] = [];
    const nearest = Math.min(producer.last, consumer.last);
    const follow = (draft: Draft | undefined) => {
      // one that waited for either would reach as far
      if (draft !== undefined && draft.reach >= nearest && !visited.has(draft)) {
        visited.add(draft);
        pending.push(draft);
      }
    };
    for (const node of joined.nodes) {
      for (const { source, isDirect } of this.reads.of(node)) {
        const maker = this.of(source);
        if (isInside(maker)) {
          if (!isDirect) return true;
        } else follow(maker);
      }
    }
    for (let draft = pending.pop(); draft !== undefined; draft = pending.pop()) {
      for (const node of draft.nodes) {
        for (const { source } of this.reads.of(node)) {
          const maker = this.of(source);
          if (isInside(maker)) return true;
          follow(maker);
        }
      }
    }
    return false;
  }
}

function union(a: Draft, b: Draft, head: AnyNode | undefined): Draft {
  return {
    nodes: new Set([...a.nodes, ...b.nodes]),
    head,
    last: Math.max(a.last, b.last),
    reach: Math.max(a.reach, b.reach),
  };
}
