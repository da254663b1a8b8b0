import type { InferenceSession, Tensor } from "onnxruntime-common";
import { CallScope } from "./call-scope.js";
import type { Library } from "./library.js";
import { outPointer, outSize } from "./out-parameters.js";
import { sessionSettings } from "./session-options.js";
import { cPath, cString } from "./strings.js";
import { tensorOf, valueOver } from "./values.js";

type Feeds = Readonly<Record<string, Tensor>>;
/** Each output with a tensor to write into, or null for a new one. */
type Fetches = Readonly<Record<string, Tensor | null>>;

/** Sessions that were forgotten. */
const forgotten = new FinalizationRegistry(({ library, address }: { library: Library; address: bigint }) =>
  library.functions.ReleaseSession(address),
);

/** One loaded model. Runs on other threads than the caller's; several at a time, if asked to. */
export class CSession {
  readonly #library: Library;
  readonly #profiles: boolean;
  readonly #running = new Set<Promise<unknown>>();
  #address: bigint | undefined;
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];

  private constructor(library: Library, address: bigint, profiles: boolean) {
    const { functions } = library;
    this.#library = library;
    this.#address = address;
    this.#profiles = profiles;
    forgotten.register(this, { library, address }, this);
    this.inputNames = namesOf(
      library,
      outSize((out) => functions.SessionGetInputCount(address, out)),
      (index, out) => functions.SessionGetInputName(address, index, library.allocator, out),
    );
    this.outputNames = namesOf(
      library,
      outSize((out) => functions.SessionGetOutputCount(address, out)),
      (index, out) => functions.SessionGetOutputName(address, index, library.allocator, out),
    );
  }

  /**
   * A file's name, or its bytes. In the caller's thread: threads of a pool would each keep memory for the weights of
   * models that are gone, since glibc gives every thread a heap of its own.
   */
  static create(library: Library, model: string | Uint8Array, options: InferenceSession.SessionOptions): CSession {
    const { environment, functions } = library;
    const scope = new CallScope(library);
    try {
      const settings = sessionSettings(library, scope, options);
      const address = outPointer((out) =>
        typeof model === "string"
          ? functions.CreateSession(environment, cPath(model), settings, out)
          : functions.CreateSessionFromArray(environment, model, model.byteLength, settings, out),
      );
      return new CSession(library, address, options.enableProfiling === true);
    } finally {
      scope.close();
    }
  }

  /** Outputs that have a tensor are written into its memory, which nobody may use until the promise is settled. */
  run(feeds: Feeds, fetches: Fetches = newTensors(this.outputNames)): Promise<Record<string, Tensor>> {
    const run = this.#run(feeds, fetches);
    const settled = run.catch(() => undefined).finally(() => this.#running.delete(settled));
    this.#running.add(settled);
    return run;
  }

  async #run(feeds: Feeds, fetches: Fetches): Promise<Record<string, Tensor>> {
    const library = this.#library;
    const address = this.#open("run");
    this.#checkNames(feeds, fetches);
    const outputs = Object.entries(fetches);
    const scope = new CallScope(library);
    try {
      scope.hold(this);
      const names = (all: readonly string[]) => scope.addresses(all.map((name) => scope.address(cString(name))));
      const inputs = Object.entries(feeds).map(([name, tensor]) =>
        valueOver(library, scope, `input "${name}"`, tensor),
      );
      const values = BigUint64Array.from(outputs, ([name, tensor]) =>
        tensor === null ? 0n : valueOver(library, scope, `output "${name}"`, tensor),
      );
      scope.onClose(() => {
        // what the library made itself, even where the run failed later
        for (const [i, [, tensor]] of outputs.entries()) {
          if (tensor === null && values[i] !== 0n) library.functions.ReleaseValue(values[i]!);
        }
      });
      await library.long.Run(
        address,
        null,
        names(Object.keys(feeds)),
        scope.addresses(inputs),
        inputs.length,
        names(Object.keys(fetches)),
        outputs.length,
        scope.address(values),
      );
      return Object.fromEntries(
        outputs.map(([name, tensor], i) => [name, tensor ?? tensorOf(library, `output "${name}"`, values[i]!)]),
      );
    } finally {
      scope.close();
    }
  }

  /** Writes the profile of a session with `enableProfiling`; of others there is none. */
  endProfiling(): void {
    const address = this.#open("end profiling");
    if (!this.#profiles) return;
    const { functions, allocator } = this.#library;
    const file = outPointer((out) => functions.SessionEndProfiling(address, allocator, out));
    functions.AllocatorFree(allocator, file);
  }

  /** Once what runs is over. */
  async release(): Promise<void> {
    const address = this.#open("release");
    this.#address = undefined;
    forgotten.unregister(this);
    await Promise.all(this.#running);
    this.#library.functions.ReleaseSession(address);
  }

  #checkNames(feeds: Feeds, fetches: Fetches): void {
    const missing = this.inputNames.find((name) => !Object.hasOwn(feeds, name));
    if (missing !== undefined) throw new TypeError(`input "${missing}" is missing`);
    const unknown = Object.keys(fetches).find((name) => !this.outputNames.includes(name));
    if (unknown === undefined) return;
    throw new TypeError(`no output is called "${unknown}"; the model has ${this.outputNames.join(", ")}`);
  }

  #open(action: string): bigint {
    if (this.#address === undefined) throw new Error(`cannot ${action}: the session is released`);
    return this.#address;
  }
}

const newTensors = (names: readonly string[]): Fetches => Object.fromEntries(names.map((name) => [name, null]));

function namesOf(
  { functions, allocator, textAt }: Library,
  count: number,
  name: (index: number, out: BigUint64Array) => void,
): readonly string[] {
  return Array.from({ length: count }, (_, index) => {
    const text = outPointer((out) => name(index, out));
    try {
      return textAt(text);
    } finally {
      functions.AllocatorFree(allocator, text);
    }
  });
}
