import type { ValueId } from "asl-core";
import { instructionOf, isKernelOp, SIMD } from "../wasm/instructions.js";
import { OPCODE, unsigned, type WasmFunction } from "../wasm/module.js";
import type { ScalarSource, UpdateGroup } from "./partition.js";

/** Bytes of one SIMD vector; tensors are padded to a multiple of it, so that a loop may run over the end. */
export const VECTOR_BYTES = 16;

/** One fused loop over the tensors of a group. */
interface KernelCode {
  readonly wasm: WasmFunction;
  /** Two groups with equal keys run the same code on different addresses. */
  readonly key: string;
}

/**
 * A function for each group, by number; groups of equal structure share one. Its arguments: bytes to run over, then the
 * addresses of the tensors in the order of `addressOrder`, then that of the numbers in the order of `numberOrder`.
 */
export function kernelsOf(groups: readonly UpdateGroup[]): { functions: readonly WasmFunction[]; chosen: number[] } {
  const indices = new Map<string, number>();
  const functions: WasmFunction[] = [];
  const chosen = groups.map((group) => {
    const { key, wasm } = kernelCode(group);
    const known = indices.get(key);
    if (known !== undefined) return known;
    indices.set(key, functions.length);
    return functions.push(wasm) - 1;
  });
  return { functions, chosen };
}

/** Address arguments of a group in order: the tensors that it reads, then state that it only writes. */
export function addressOrder(
  group: UpdateGroup,
): readonly { readonly kind: "state" | "output"; readonly name: string }[] {
  const read = [...group.tensors.values()];
  const isRead = (state: string) => read.some((source) => source.kind === "state" && source.name === state);
  const onlyWritten = group.writes.filter(({ state }) => !isRead(state));
  return [...read, ...onlyWritten.map(({ state }) => ({ kind: "state" as const, name: state }))];
}

/** Numbers of a group in the order in which they lie in memory; constants are part of the code. */
export function numberOrder(group: UpdateGroup): readonly NumberSource[] {
  return [...group.scalars.values()].filter((source): source is NumberSource => source.kind !== "constant");
}

export type NumberSource = Exclude<ScalarSource, { readonly kind: "constant" }>;

/**
 * (bytes, addresses, numbers) => { load numbers; do { load; compute; store; offset += 16 } while (offset < bytes) }
 * Every element is loaded before anything is stored at its place, so written state may be among what is read.
 */
function kernelCode(group: UpdateGroup): KernelCode {
  const addresses = addressOrder(group);
  const numbersAddress = 1 + addresses.length;
  const parameters = Array.from({ length: numbersAddress + 1 }, () => "i32" as const);
  const offset = parameters.length;
  let nextVector = offset + 1;
  const vectors = new Map<ValueId, number>();
  const vectorOf = (value: ValueId): number => vectors.get(value)!;
  const allocate = (value: ValueId): number => {
    vectors.set(value, nextVector);
    return nextVector++;
  };
  const get = (local: number) => [OPCODE.localGet, ...unsigned(local)];
  const set = (local: number) => [OPCODE.localSet, ...unsigned(local)];
  const simd = (opcode: number) => [OPCODE.simd, ...unsigned(opcode)];
  // Aligned to 16 bytes (2^4), no constant offset.
  const aligned = [4, 0];
  const address = (index: number) => [...get(1 + index), ...get(offset), OPCODE.i32Add];

  const before: number[] = [];
  const loop: number[] = [];
  const uniform = new Set<ValueId>();
  let numberOffset = 0;
  for (const [value, source] of group.scalars) {
    if (source.kind === "constant") before.push(...simd(SIMD.constant), ...floatVector(source.value));
    else {
      before.push(...get(numbersAddress), ...simd(SIMD.loadSplat32), 2, ...unsigned(numberOffset));
      numberOffset += Float32Array.BYTES_PER_ELEMENT;
    }
    before.push(...set(allocate(value)));
    uniform.add(value);
  }
  [...group.tensors.keys()].forEach((value, index) => {
    loop.push(...address(index), ...simd(SIMD.load), ...aligned, ...set(allocate(value)));
  });
  for (const node of group.nodes) {
    if (!isKernelOp(node.op)) {
      // broadcast of a number, reshape, stopGradient: the same elements
      const [input] = node.inputs;
      vectors.set(node.output, vectorOf(input!));
      if (uniform.has(input!)) uniform.add(node.output);
      continue;
    }
    const { opcode, order } = instructionOf(node.op);
    const operands = order.flatMap((argument) => get(vectorOf(node.inputs[argument]!)));
    // What depends on numbers only is computed once.
    const isUniform = node.inputs.every((input) => uniform.has(input));
    if (isUniform) uniform.add(node.output);
    (isUniform ? before : loop).push(...operands, ...simd(opcode), ...set(allocate(node.output)));
  }
  for (const { state, value } of group.writes) {
    const index = addresses.findIndex((source) => source.kind === "state" && source.name === state);
    loop.push(...address(index), ...get(vectorOf(value)), ...simd(SIMD.store), ...aligned);
  }
  const body = [
    ...before,
    ...[OPCODE.loop, OPCODE.empty],
    ...loop,
    ...[...get(offset), OPCODE.i32Constant, VECTOR_BYTES, OPCODE.i32Add, OPCODE.localTee, ...unsigned(offset)],
    ...[...get(0), OPCODE.i32LessUnsigned, OPCODE.branchIf, 0],
    OPCODE.end,
  ];
  const locals = [
    { count: 1, type: "i32" as const },
    { count: nextVector - offset - 1, type: "v128" as const },
  ];
  return { wasm: { parameters, locals, body }, key: `${parameters.join()} ${body.join()}` };
}

function floatVector(value: number): number[] {
  return [...new Uint8Array(Float32Array.of(value, value, value, value).buffer)];
}
