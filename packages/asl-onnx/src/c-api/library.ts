import type Koffi from "koffi";
import {
  API_VERSION,
  FUNCTIONS,
  LONG,
  type LongOrtFunctions,
  type OrtFunctions,
  type Parameter,
  type Signature,
} from "./functions.js";
import { OrtError } from "./ort-error.js";
import { outPointer } from "./out-parameters.js";
import { cString } from "./strings.js";

/** The foreign function interface: the package koffi. */
export type Ffi = typeof Koffi;

/** ONNX Runtime's library with the objects of it that all sessions share; these stay until the process ends. */
export interface Library {
  readonly version: string;
  readonly functions: OrtFunctions;
  readonly long: LongOrtFunctions;
  readonly environment: bigint;
  readonly memoryInfo: bigint;
  readonly allocator: bigint;
  /** The place of an array's first byte; good as long as somebody holds the array. */
  addressOf(array: ArrayBufferView): bigint;
  /** Memory of the library as a buffer; good until the library frees it. */
  view(address: bigint, bytes: number): ArrayBuffer;
  textAt(address: bigint): string;
}

const C_TYPES: Readonly<Record<Parameter | Signature["gives"], string>> = {
  pointer: "void *",
  size: "size_t",
  int: "int",
  status: "void *",
  text: "str",
  nothing: "void",
};

type Native = ReturnType<ReturnType<Ffi["load"]>["func"]>;

const POINTER_BYTES = BigUint64Array.BYTES_PER_ELEMENT;
/** `struct OrtApiBase`: GetApi, GetVersionString. */
const BASE_FUNCTIONS = 2;

/** Loads the library and binds its functions. Throws when it is none, or too old. */
export function openLibrary(ffi: Ffi, file: string): Library {
  giveStacks(ffi);
  const { getVersion, getApi } = baseOf(ffi, file);
  const version = getVersion();
  const api = getApi(API_VERSION);
  if (api === null) throw new Error(`ONNX Runtime ${version} has no C interface of version ${API_VERSION}: ${file}`);
  const { functions, long } = bind(ffi, api);
  const WARNINGS = 2;
  const DEVICE_ALLOCATOR = 0;
  const DEFAULT_MEMORY = 0;
  return {
    version,
    functions,
    long,
    // the one that onnxruntime-node made, if it was first
    environment: outPointer((out) => functions.CreateEnv(WARNINGS, cString("asl-onnx"), out)),
    memoryInfo: outPointer((out) => functions.CreateCpuMemoryInfo(DEVICE_ALLOCATOR, DEFAULT_MEMORY, out)),
    allocator: outPointer((out) => functions.GetAllocatorWithDefaultOptions(out)),
    addressOf: (array) => ffi.address(array),
    view: (address, bytes) => ffi.view(address, bytes),
    textAt: (address) => ffi.decode.string(address),
  };
}

/**
 * koffi calls on stacks of its own, by default of 128 KiB on other threads, where operators would overflow them. The size
 * can only be set before the first library is loaded.
 */
function giveStacks(ffi: Ffi): void {
  const ENOUGH = 2 ** 21;
  const WANTED = 2 ** 23;
  const { sync_stack_size: here = 0, async_stack_size: elsewhere = 0 } = ffi.config();
  if (Math.min(here, elsewhere) >= ENOUGH) return;
  try {
    ffi.config({ sync_stack_size: WANTED, async_stack_size: WANTED });
  } catch (cause) {
    throw new Error(`koffi was used before, with stacks of ${elsewhere} bytes; ONNX Runtime needs ${ENOUGH}`, {
      cause,
    });
  }
}

function baseOf(ffi: Ffi, file: string) {
  const getBase: () => bigint = ffi.load(file).func("OrtGetApiBase", "void *", []);
  const base = new BigUint64Array(ffi.view(getBase(), BASE_FUNCTIONS * POINTER_BYTES));
  const getApi: (version: number) => bigint | null = ffi.decode(base[0], ffi.proto("void *", ["uint32_t"]));
  const getVersion: () => string = ffi.decode(base[1], ffi.proto("str", []));
  return { getApi, getVersion };
}

function bind(ffi: Ffi, api: bigint): Pick<Library, "functions" | "long"> {
  const length = 1 + Math.max(...Object.values(FUNCTIONS).map(({ index }) => index));
  const table = new BigUint64Array(ffi.view(api, length * POINTER_BYTES));
  const native = (name: keyof typeof FUNCTIONS): Native => {
    const { index, gives, takes }: Signature = FUNCTIONS[name];
    const prototype = ffi.proto(
      C_TYPES[gives],
      takes.map((each) => C_TYPES[each]),
    );
    return ffi.decode(table[index], prototype);
  };
  const getErrorCode: OrtFunctions["GetErrorCode"] = native("GetErrorCode");
  const getErrorMessage: OrtFunctions["GetErrorMessage"] = native("GetErrorMessage");
  const releaseStatus: OrtFunctions["ReleaseStatus"] = native("ReleaseStatus");
  const check = (status: bigint | null): undefined => {
    if (status === null) return undefined;
    const error = new OrtError(getErrorCode(status), getErrorMessage(status));
    releaseStatus(status);
    throw error;
  };
  const checked = (name: keyof typeof FUNCTIONS) => {
    const call = native(name);
    return FUNCTIONS[name].gives === "status" ? (...args: unknown[]) => check(call(...args)) : call;
  };
  const lasting = (name: (typeof LONG)[number]) => {
    const call = native(name);
    return (...args: unknown[]) =>
      new Promise<void>((resolve, reject) => {
        call.async(...args, (error: unknown, status: bigint | null) => {
          try {
            if (error !== null) throw error;
            check(status);
            resolve();
          } catch (refusal) {
            reject(refusal);
          }
        });
      });
  };
  const names = Object.keys(FUNCTIONS) as readonly (keyof typeof FUNCTIONS)[];
  return {
    functions: Object.fromEntries(names.map((name) => [name, checked(name)])) as unknown as OrtFunctions,
    long: Object.fromEntries(LONG.map((name) => [name, lasting(name)])) as unknown as LongOrtFunctions,
  };
}
