/**
 * The functions of ONNX Runtime's C interface that this binding calls. `index` is the place in `struct OrtApi`, a table of
 * function pointers that only ever grows at its end: include/onnxruntime/core/session/onnxruntime_c_api.h of
 * https://github.com/microsoft/onnxruntime (places as of API version 24; nothing here is younger than API_VERSION).
 */
export const FUNCTIONS = {
  GetErrorCode: { index: 1, gives: "int", takes: ["pointer"] },
  GetErrorMessage: { index: 2, gives: "text", takes: ["pointer"] },
  CreateEnv: { index: 3, gives: "status", takes: ["int", "pointer", "pointer"] },
  CreateSession: { index: 7, gives: "status", takes: ["pointer", "pointer", "pointer", "pointer"] },
  CreateSessionFromArray: { index: 8, gives: "status", takes: ["pointer", "pointer", "size", "pointer", "pointer"] },
  Run: {
    index: 9,
    gives: "status",
    takes: ["pointer", "pointer", "pointer", "pointer", "size", "pointer", "size", "pointer"],
  },
  CreateSessionOptions: { index: 10, gives: "status", takes: ["pointer"] },
  SetOptimizedModelFilePath: { index: 11, gives: "status", takes: ["pointer", "pointer"] },
  SetSessionExecutionMode: { index: 13, gives: "status", takes: ["pointer", "int"] },
  EnableProfiling: { index: 14, gives: "status", takes: ["pointer", "pointer"] },
  EnableMemPattern: { index: 16, gives: "status", takes: ["pointer"] },
  DisableMemPattern: { index: 17, gives: "status", takes: ["pointer"] },
  EnableCpuMemArena: { index: 18, gives: "status", takes: ["pointer"] },
  DisableCpuMemArena: { index: 19, gives: "status", takes: ["pointer"] },
  SetSessionLogId: { index: 20, gives: "status", takes: ["pointer", "pointer"] },
  SetSessionLogVerbosityLevel: { index: 21, gives: "status", takes: ["pointer", "int"] },
  SetSessionLogSeverityLevel: { index: 22, gives: "status", takes: ["pointer", "int"] },
  SetSessionGraphOptimizationLevel: { index: 23, gives: "status", takes: ["pointer", "int"] },
  SetIntraOpNumThreads: { index: 24, gives: "status", takes: ["pointer", "int"] },
  SetInterOpNumThreads: { index: 25, gives: "status", takes: ["pointer", "int"] },
  SessionGetInputCount: { index: 30, gives: "status", takes: ["pointer", "pointer"] },
  SessionGetOutputCount: { index: 31, gives: "status", takes: ["pointer", "pointer"] },
  SessionGetInputName: { index: 36, gives: "status", takes: ["pointer", "size", "pointer", "pointer"] },
  SessionGetOutputName: { index: 37, gives: "status", takes: ["pointer", "size", "pointer", "pointer"] },
  CreateTensorWithDataAsOrtValue: {
    index: 49,
    gives: "status",
    takes: ["pointer", "pointer", "size", "pointer", "size", "int", "pointer"],
  },
  IsTensor: { index: 50, gives: "status", takes: ["pointer", "pointer"] },
  GetTensorMutableData: { index: 51, gives: "status", takes: ["pointer", "pointer"] },
  GetTensorElementType: { index: 60, gives: "status", takes: ["pointer", "pointer"] },
  GetDimensionsCount: { index: 61, gives: "status", takes: ["pointer", "pointer"] },
  GetDimensions: { index: 62, gives: "status", takes: ["pointer", "pointer", "size"] },
  GetTensorTypeAndShape: { index: 65, gives: "status", takes: ["pointer", "pointer"] },
  CreateCpuMemoryInfo: { index: 69, gives: "status", takes: ["int", "int", "pointer"] },
  AllocatorFree: { index: 76, gives: "status", takes: ["pointer", "pointer"] },
  GetAllocatorWithDefaultOptions: { index: 78, gives: "status", takes: ["pointer"] },
  ReleaseStatus: { index: 93, gives: "nothing", takes: ["pointer"] },
  ReleaseSession: { index: 95, gives: "nothing", takes: ["pointer"] },
  ReleaseValue: { index: 96, gives: "nothing", takes: ["pointer"] },
  ReleaseTensorTypeAndShapeInfo: { index: 99, gives: "nothing", takes: ["pointer"] },
  ReleaseSessionOptions: { index: 100, gives: "nothing", takes: ["pointer"] },
  SessionEndProfiling: { index: 110, gives: "status", takes: ["pointer", "pointer", "pointer"] },
  AddFreeDimensionOverrideByName: { index: 124, gives: "status", takes: ["pointer", "pointer", "size"] },
  AddSessionConfigEntry: { index: 130, gives: "status", takes: ["pointer", "pointer", "pointer"] },
  AddExternalInitializersFromFilesInMemory: {
    index: 279,
    gives: "status",
    takes: ["pointer", "pointer", "pointer", "pointer", "size"],
  },
} as const satisfies Readonly<Record<string, Signature>>;

/** That of ONNX Runtime 1.18, which brought the youngest function of the table. */
export const API_VERSION = 18;

/** Functions that are called on another thread. */
export const LONG = ["Run"] as const;

export interface Signature {
  readonly index: number;
  /** `status`: a pointer to what went wrong, or null. */
  readonly gives: "status" | "int" | "text" | "nothing";
  readonly takes: readonly Parameter[];
}

export type Parameter = "pointer" | "size" | "int";

/** An address, memory that the callee uses before it returns, or null. */
export type Pointer = bigint | ArrayBufferView | null;

type Functions = typeof FUNCTIONS;
type Values = { readonly pointer: Pointer; readonly size: number; readonly int: number };
type Results = { readonly status: undefined; readonly int: number; readonly text: string; readonly nothing: undefined };

type Arguments<P extends readonly Parameter[]> = { readonly [I in keyof P]: Values[P[I]] };
/** A call that outlasts the turn takes addresses only: who holds what lies there is for the caller to see to. */
type LastingArguments<P extends readonly Parameter[]> = {
  readonly [I in keyof P]: Exclude<Values[P[I]], ArrayBufferView>;
};

/** The functions, to be called in this thread; a status that is not good is thrown as an OrtError. */
export type OrtFunctions = {
  readonly [N in keyof Functions]: (...args: Arguments<Functions[N]["takes"]>) => Results[Functions[N]["gives"]];
};

/** The same on another thread. */
export type LongOrtFunctions = {
  readonly [N in (typeof LONG)[number]]: (...args: LastingArguments<Functions[N]["takes"]>) => Promise<void>;
};
