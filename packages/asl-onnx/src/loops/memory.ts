import { type Graph, type Node, sizeOf, type ValueId } from "asl-core";
import { elementBits, uniformElement } from "./elements.js";
import { ELEMENT_BYTES, isOfRow, isReduction, type LoopPlan, MOST_PARTS, TURN_BYTES, VECTOR_BYTES } from "./plan.js";

const PAGE_BYTES = 65536;

/** Tables that are read at one index lie side by side, a row for each entry. */
export interface TableRows {
  readonly address: number;
  readonly entries: number;
  /** Elements of a row: 1, 2 or 4. */
  readonly width: number;
  /** The table in each column; fewer than `width` where 4 are reserved for 3. */
  readonly tables: readonly ValueId[];
}

/** Where everything lies in the memory of a program's loops. Address 0 holds whether an index was out of range. */
export interface LoopMemory {
  readonly bytes: number;
  readonly addresses: ReadonlyMap<ValueId, number>;
  /** Of a reduction over a whole loop: where each part of the loop leaves its own. */
  readonly parts: ReadonlyMap<ValueId, number>;
  /** By the value of the indices, what is read at them. */
  readonly tables: ReadonlyMap<ValueId, readonly TableRows[]>;
  /** Writes constants into the memory. */
  fill(memory: WebAssembly.Memory): void;
}

/** Reserves memory for inputs, stored values, tables and constants. */
export function layOut(plan: LoopPlan): LoopMemory {
  const { graph, producers, sourceOf } = plan;
  let next = VECTOR_BYTES;
  let overhang = VECTOR_BYTES;
  const reserve = (elements: number): number => {
    const address = next;
    // a row may end anywhere, so that its last turn runs over the end
    next += Math.ceil((elements * ELEMENT_BYTES) / VECTOR_BYTES) * VECTOR_BYTES + TURN_BYTES;
    return address;
  };
  const addresses = new Map<ValueId, number>();
  const fills: ((memory: WebAssembly.Memory) => void)[] = [];
  const place = (value: ValueId): void => {
    if (!addresses.has(value)) addresses.set(value, reserve(sizeIn(graph, value)));
  };
  for (const id of [...Object.values(graph.inputs), ...plan.stored]) place(id);

  const parts = new Map<ValueId, number>();
  const lookups = new Map<ValueId, Node<"gather">[]>();
  for (const stage of plan.stages) {
    for (const node of stage.nodes) {
      if (isReduction(node) && !isOfRow(stage, node, graph)) parts.set(node.output, reserve(MOST_PARTS));
      if (node.op === "gather") {
        const indices = sourceOf(node.inputs[1]!);
        lookups.set(indices, [...(lookups.get(indices) ?? []), node]);
        continue;
      }
      // the padding is read behind the end and replaced
      if (node.op === "pad") overhang = Math.max(overhang, sizeIn(graph, node.output) * ELEMENT_BYTES);
      for (const input of node.inputs) {
        const producer = producers[sourceOf(input)];
        if (producer?.op !== "constant" || uniformElement(producer.attrs.value) !== undefined) continue;
        place(producer.output);
        const { type, data } = producer.attrs.value;
        fills.push((memory) => {
          const bytes = new Uint8Array(memory.buffer, addresses.get(producer.output)!, data.length * ELEMENT_BYTES);
          data.forEach((element: number, i: number) => {
            bytes.set(elementBits(element, type.dtype), i * ELEMENT_BYTES);
          });
        });
      }
    }
  }

  const tables = new Map<ValueId, TableRows[]>();
  for (const [indices, nodes] of lookups) {
    const rows: TableRows[] = [];
    for (const ids of grouped([...new Set(nodes.map(({ inputs }) => inputs[0]!))], graph)) {
      const entries = sizeIn(graph, ids[0]!);
      const width = ids.length === 3 ? 4 : ids.length;
      const address = reserve(entries * width);
      rows.push({ address, entries, width, tables: ids });
      fills.push((memory) => {
        const interleaved = new Float32Array(memory.buffer, address, entries * width);
        ids.forEach((id, column) => {
          const { data } = (producers[id] as Node<"constant">).attrs.value;
          for (let i = 0; i < entries; i++) interleaved[i * width + column] = data[i]!;
        });
      });
    }
    tables.set(indices, rows);
  }
  const fill = (memory: WebAssembly.Memory) => {
    for (const write of fills) write(memory);
  };
  return { bytes: Math.ceil((next + overhang) / PAGE_BYTES) * PAGE_BYTES, addresses, parts, tables, fill };
}

/** Four tables of one length at a time. */
function grouped(ids: readonly ValueId[], graph: Graph): ValueId[][] {
  const groups: ValueId[][] = [];
  for (const id of ids) {
    const open = groups.find((group) => group.length < 4 && sizeIn(graph, group[0]!) === sizeIn(graph, id));
    if (open === undefined) groups.push([id]);
    else open.push(id);
  }
  return groups;
}

const sizeIn = (graph: Graph, value: ValueId): number => sizeOf(graph.types[value]!.shape);
