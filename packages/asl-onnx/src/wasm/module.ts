/** A WebAssembly module of functions over one imported memory. Binary format: WebAssembly Core Specification 2.0, chapter 5. */
export interface WasmFunction {
  readonly parameters: readonly ValueType[];
  /** Types of the locals after the parameters, in runs. */
  readonly locals: readonly { readonly count: number; readonly type: ValueType }[];
  /** Instructions without the final `end`. */
  readonly body: readonly number[];
}

export type ValueType = "i32" | "f32" | "v128";

const VALUE_TYPE: Readonly<Record<ValueType, number>> = { i32: 0x7f, f32: 0x7d, v128: 0x7b };
const SECTION = { type: 1, import: 2, function: 3, export: 7, code: 10 } as const;

/**
 * Functions are exported as "0", "1", ...; the memory is imported as "state"."memory". `sharedPages`: the memory is one
 * of that many pages that threads share.
 */
export function wasmModule(functions: readonly WasmFunction[], sharedPages?: number): Uint8Array<ArrayBuffer> {
  const types = functions.map(({ parameters }) => [
    0x60,
    ...vector(parameters.map((type) => [VALUE_TYPE[type]])),
    ...vector([]),
  ]);
  const limits = sharedPages === undefined ? [0x00, 0] : [0x03, ...unsigned(sharedPages), ...unsigned(sharedPages)];
  const memory = [...name("state"), ...name("memory"), 0x02, ...limits];
  const exports = functions.map((_, i) => [...name(String(i)), 0x00, ...unsigned(i)]);
  const code = functions.map(({ locals, body }) => {
    const declared = vector(locals.map(({ count, type }) => [...unsigned(count), VALUE_TYPE[type]]));
    const content = [...declared, ...body, OPCODE.end];
    return [...unsigned(content.length), ...content];
  });
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(SECTION.type, vector(types)),
    ...section(SECTION.import, vector([memory])),
    ...section(SECTION.function, vector(functions.map((_, i) => unsigned(i)))),
    ...section(SECTION.export, vector(exports)),
    ...section(SECTION.code, vector(code)),
  ]);
}

/** Control and integer instructions that the kernels use. */
export const OPCODE = {
  loop: 0x03,
  if: 0x04,
  end: 0x0b,
  branchIf: 0x0d,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  i32Constant: 0x41,
  i32LessUnsigned: 0x49,
  f32Store: 0x38,
  i32Add: 0x6a,
  i32Multiply: 0x6c,
  i32DivideUnsigned: 0x6e,
  f32Add: 0x92,
  f32Max: 0x97,
  simd: 0xfd,
  /** Block type of a block without a result. */
  empty: 0x40,
} as const;

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

function vector(items: readonly (readonly number[])[]): number[] {
  return [...unsigned(items.length), ...items.flat()];
}

function name(text: string): number[] {
  const bytes = new TextEncoder().encode(text);
  return [...unsigned(bytes.length), ...bytes];
}

/** Unsigned LEB128. */
export function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest > 0 ? low | 0x80 : low);
  } while (rest > 0);
  return bytes;
}

/** Signed LEB128 of an i32. */
export function signed(value: number): number[] {
  const bytes: number[] = [];
  let rest = value | 0;
  for (;;) {
    const low = rest & 0x7f;
    rest >>= 7;
    const isLast = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
    bytes.push(isLast ? low : low | 0x80);
    if (isLast) return bytes;
  }
}
