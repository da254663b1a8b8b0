import type { InferenceSession } from "onnxruntime-common";
import type { CallScope } from "./call-scope.js";
import type { Library } from "./library.js";
import { outPointer } from "./out-parameters.js";
import { cPath, cString } from "./strings.js";

type Options = Required<InferenceSession.SessionOptions>;

interface Target extends Pick<Library, "functions"> {
  /** The `OrtSessionOptions`. */
  readonly settings: bigint;
  /** Open until the session is made. */
  readonly scope: CallScope;
  readonly all: InferenceSession.SessionOptions;
}

/** How each option of onnxruntime-common is set; what this binding has not is refused, never passed over. */
const SETTERS: { readonly [N in keyof Options]: (target: Target, value: Options[N]) => void } = {
  executionProviders: (_target, providers) => {
    for (const provider of providers) {
      const name = typeof provider === "string" ? provider : provider.name;
      if (name !== "cpu") throw refused("executionProviders", name, "cpu");
    }
  },
  intraOpNumThreads: ({ functions, settings }, threads) => functions.SetIntraOpNumThreads(settings, threads),
  interOpNumThreads: ({ functions, settings }, threads) => functions.SetInterOpNumThreads(settings, threads),
  freeDimensionOverrides: ({ functions, settings }, extents) => {
    for (const [name, extent] of Object.entries(extents)) {
      functions.AddFreeDimensionOverrideByName(settings, cString(name), extent);
    }
  },
  graphOptimizationLevel: ({ functions, settings }, level) =>
    functions.SetSessionGraphOptimizationLevel(settings, coded("graphOptimizationLevel", OPTIMIZATION_LEVELS, level)),
  enableCpuMemArena: ({ functions, settings }, enable) =>
    enable ? functions.EnableCpuMemArena(settings) : functions.DisableCpuMemArena(settings),
  enableMemPattern: ({ functions, settings }, enable) =>
    enable ? functions.EnableMemPattern(settings) : functions.DisableMemPattern(settings),
  executionMode: ({ functions, settings }, mode) =>
    functions.SetSessionExecutionMode(settings, coded("executionMode", EXECUTION_MODES, mode)),
  optimizedModelFilePath: ({ functions, settings }, file) => functions.SetOptimizedModelFilePath(settings, cPath(file)),
  enableProfiling: ({ functions, settings, all }, enable) => {
    if (enable) functions.EnableProfiling(settings, cPath(all.profileFilePrefix ?? "onnxruntime_profile_"));
  },
  // part of the option before
  profileFilePrefix: () => undefined,
  logId: ({ functions, settings }, id) => functions.SetSessionLogId(settings, cString(id)),
  logSeverityLevel: ({ functions, settings }, level) => functions.SetSessionLogSeverityLevel(settings, level),
  logVerbosityLevel: ({ functions, settings }, level) => functions.SetSessionLogVerbosityLevel(settings, level),
  preferredOutputLocation: (_target, location) => {
    const places = typeof location === "string" ? [location] : Object.values(location);
    for (const place of places) if (place !== "cpu") throw refused("preferredOutputLocation", place, "cpu");
  },
  enableGraphCapture: (_target, enable) => {
    if (enable) throw refused("enableGraphCapture", enable, "false");
  },
  extra: ({ functions, settings }, entries) => {
    for (const [key, value] of flattened(entries)) {
      functions.AddSessionConfigEntry(settings, cString(key), cString(value));
    }
  },
  externalData: ({ functions, settings, scope }, files) => {
    const contents = files.map((file) => {
      if (typeof file === "object" && "data" in file && file.data instanceof Uint8Array) {
        return { name: scope.address(cPath(file.path)), data: file.data };
      }
      throw refused("externalData", typeof file, "{ path, data: Uint8Array }");
    });
    functions.AddExternalInitializersFromFilesInMemory(
      settings,
      scope.addresses(contents.map(({ name }) => name)),
      scope.addresses(contents.map(({ data }) => scope.address(data))),
      scope.addresses(contents.map(({ data }) => BigInt(data.byteLength))),
      contents.length,
    );
  },
};

const OPTIMIZATION_LEVELS: Readonly<Record<Options["graphOptimizationLevel"], number>> = {
  disabled: 0,
  basic: 1,
  extended: 2,
  layout: 3,
  all: 99,
};

const EXECUTION_MODES: Readonly<Record<Options["executionMode"], number>> = { sequential: 0, parallel: 1 };

/** The options as an `OrtSessionOptions`, until the scope closes. Throws TypeError for options that it cannot set. */
export function sessionSettings(
  { functions }: Library,
  scope: CallScope,
  options: InferenceSession.SessionOptions,
): bigint {
  const settings = outPointer((out) => functions.CreateSessionOptions(out));
  scope.onClose(() => functions.ReleaseSessionOptions(settings));
  const target: Target = { functions, settings, scope, all: options };
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    if (!Object.hasOwn(SETTERS, name)) throw new TypeError(`session option "${name}" is not known to this binding`);
    set(target, name as keyof Options, value as never);
  }
  return settings;
}

const set = <N extends keyof Options>(target: Target, name: N, value: Options[N]): void => SETTERS[name](target, value);

/** { session: { intra_op: { allow_spinning: "0" } } } -> "session.intra_op.allow_spinning", "0". */
function* flattened(entries: Readonly<Record<string, unknown>>, prefix = ""): Generator<readonly [string, string]> {
  for (const [key, value] of Object.entries(entries)) {
    if (typeof value === "object" && value !== null) {
      yield* flattened(value as Readonly<Record<string, unknown>>, `${prefix}${key}.`);
    } else yield [prefix + key, String(value)];
  }
}

function coded<K extends string>(option: string, codes: Readonly<Record<K, number>>, value: K): number {
  if (!Object.hasOwn(codes, value)) throw refused(option, value, Object.keys(codes).join(", "));
  return codes[value];
}

const refused = (option: string, found: unknown, expected: string): TypeError =>
  new TypeError(`session option ${option}: this binding takes ${expected}; got ${String(found)}`);
