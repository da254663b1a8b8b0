import type { OpName } from "asl-core";

/** SIMD instructions of WebAssembly (opcodes after the prefix 0xfd). */
export const SIMD = {
  load: 0x00,
  loadSplat32: 0x09,
  store: 0x0b,
  constant: 0x0c,
  shuffle: 0x0d,
  splatI32: 0x11,
  splat: 0x13,
  extractLaneI32: 0x1b,
  extractLane: 0x1f,
  notEqualI32: 0x38,
  lessI32: 0x39,
  greaterUnsigned: 0x3c,
  equal: 0x41,
  notEqual: 0x42,
  less: 0x43,
  and: 0x4e,
  andNot: 0x4f,
  or: 0x50,
  bitselect: 0x52,
  anyTrue: 0x53,
  loadLane32: 0x56,
  loadLane64: 0x57,
  loadZero32: 0x5c,
  loadZero64: 0x5d,
  floor: 0x68,
  shiftLeftI32: 0xab,
  addI32: 0xae,
  subI32: 0xb1,
  minUnsigned: 0xb7,
  maxUnsigned: 0xb9,
  abs: 0xe0,
  neg: 0xe1,
  sqrt: 0xe3,
  add: 0xe4,
  sub: 0xe5,
  mul: 0xe6,
  div: 0xe7,
  min: 0xe8,
  max: 0xe9,
  pseudoMin: 0xea,
  pseudoMax: 0xeb,
  truncate: 0xf8,
  convertI32: 0xfa,
} as const;

/** Ops that a kernel computes with one instruction; each is correctly rounded, as ONNX Runtime's. */
const KERNEL_INSTRUCTIONS = {
  abs: { opcode: SIMD.abs, order: [0] },
  neg: { opcode: SIMD.neg, order: [0] },
  floor: { opcode: SIMD.floor, order: [0] },
  sqrt: { opcode: SIMD.sqrt, order: [0] },
  add: { opcode: SIMD.add, order: [0, 1] },
  sub: { opcode: SIMD.sub, order: [0, 1] },
  mul: { opcode: SIMD.mul, order: [0, 1] },
  div: { opcode: SIMD.div, order: [0, 1] },
  min: { opcode: SIMD.min, order: [0, 1] },
  max: { opcode: SIMD.max, order: [0, 1] },
  less: { opcode: SIMD.less, order: [0, 1] },
  equal: { opcode: SIMD.equal, order: [0, 1] },
  // bitselect takes (a, b, mask)
  select: { opcode: SIMD.bitselect, order: [1, 2, 0] },
} as const satisfies Partial<Record<OpName, KernelInstruction>>;

export interface KernelInstruction {
  readonly opcode: number;
  /** The op's arguments in the order in which the instruction takes them. */
  readonly order: readonly number[];
}

export type KernelOp = keyof typeof KERNEL_INSTRUCTIONS;

export const isKernelOp = (op: OpName): op is KernelOp => Object.hasOwn(KERNEL_INSTRUCTIONS, op);

export const instructionOf = (op: KernelOp): KernelInstruction => KERNEL_INSTRUCTIONS[op];
