import { OPCODE, signed, unsigned } from "../wasm/module.js";

/** Pieces of code that loops are made of. */
export const get = (local: number) => [OPCODE.localGet, ...unsigned(local)];
export const set = (local: number) => [OPCODE.localSet, ...unsigned(local)];
export const tee = (local: number) => [OPCODE.localTee, ...unsigned(local)];
export const integer = (value: number) => [OPCODE.i32Constant, ...signed(value)];
/** An instruction on vectors. */
export const simd = (opcode: number) => [OPCODE.simd, ...unsigned(opcode)];
/** A constant address beside the one on the stack; aligned to 4 bytes, since rows begin anywhere. */
export const at = (address: number) => [2, ...unsigned(address)];
