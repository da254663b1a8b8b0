import { PickleFormatError, PickleRefusal } from "./format-error.js";
import { rebuildParameter, rebuildTensor, STORAGE_TYPES, TORCH_DTYPES } from "./tensors.js";
import { describe, isPythonName, type PickleValue } from "./values.js";

/** What calling an allowed Python name with these arguments gives. Nothing here touches anything but its arguments. */
type Construct = (args: readonly PickleValue[]) => PickleValue;

const FACTORIES = ["dict", "list", "set", "tuple", "int", "float", "str", "bool"] as const;

/** Names that may stand as values (a dtype, a storage class, the factory of a defaultdict) but are never called. */
const NAMES_ONLY: ReadonlySet<string> = new Set([
  ...Object.keys(STORAGE_TYPES),
  ...Object.keys(TORCH_DTYPES),
  ...FACTORIES.map((name) => `builtins.${name}`),
  "torch.Tensor",
  "torch.nn.parameter.Parameter",
  "argparse.Namespace",
]);

/** The whole allow list of callables: tensors and plain containers. */
const CONSTRUCTORS: Readonly<Record<string, Construct>> = {
  "collections.OrderedDict": ([pairs]) => mapOf(pairs),
  // The factory is a plain type by NAMES_ONLY and is not called: only what was stored is read.
  "collections.defaultdict": ([, pairs]) => mapOf(pairs),
  "collections.Counter": ([pairs]) => mapOf(pairs),
  "builtins.set": ([items]) => new Set(items === undefined ? [] : listOf(items, "set")),
  "builtins.frozenset": ([items]) => new Set(items === undefined ? [] : listOf(items, "frozenset")),
  "builtins.bytes": ([source]) => bytesOf(source),
  "builtins.bytearray": ([source]) => bytesOf(source),
  "_codecs.encode": ([text, encoding]) => {
    if (typeof text !== "string" || encoding !== "latin1") {
      throw new PickleFormatError("_codecs.encode is read for bytes in latin1 only");
    }
    return Uint8Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
  },
  "torch.Size": ([extents]) => [...listOf(extents ?? [], "torch.Size")],
  "torch.device": (args) => args.map((part) => (typeof part === "string" ? part : describe(part))).join(":"),
  "torch._utils._rebuild_tensor": (args) => rebuildTensor(args),
  "torch._utils._rebuild_tensor_v2": (args) => rebuildTensor(args),
  "torch._utils._rebuild_tensor_v3": (args) => rebuildTensor(args, args[6] ?? null),
  "torch._utils._rebuild_parameter": rebuildParameter,
  "torch._utils._rebuild_parameter_with_state": rebuildParameter,
  // (function, type, arguments, state): a tensor with Python attributes, which are left out.
  "torch._tensor._rebuild_from_type_v2": ([callable, , args]) => {
    const name = isPythonName(callable) ? callable.name : describe(callable);
    if (!name.startsWith("torch._utils._rebuild_")) throw new PickleRefusal(name);
    return construct(name, listOf(args ?? [], name));
  },
};

/** `__builtin__` is how Python 2 and pickle protocol 2 spell `builtins`. */
export function pythonName(module: string, name: string): string {
  return `${module === "__builtin__" ? "builtins" : module}.${name}`;
}

export function isAllowed(name: string): boolean {
  return NAMES_ONLY.has(name) || Object.hasOwn(CONSTRUCTORS, name);
}

/** Calls an allowed name; refuses every other. */
export function construct(name: string, args: readonly PickleValue[]): PickleValue {
  const make = Object.hasOwn(CONSTRUCTORS, name) ? CONSTRUCTORS[name] : undefined;
  if (make === undefined) throw new PickleRefusal(name);
  return make(args);
}

function mapOf(source: PickleValue | undefined): Map<PickleValue, PickleValue> {
  if (source === undefined) return new Map();
  if (source instanceof Map) return new Map(source);
  return new Map(
    listOf(source, "dict").map((pair) => {
      const [key, value] = listOf(pair, "pair of a dict");
      if (key === undefined || value === undefined) throw new PickleFormatError("a dict is made of pairs");
      return [key, value];
    }),
  );
}

function bytesOf(source: PickleValue | undefined): Uint8Array {
  if (source === undefined) return new Uint8Array(0);
  if (source instanceof Uint8Array) return source;
  throw new PickleFormatError(`bytes are made of bytes; found ${describe(source)}`);
}

function listOf(value: PickleValue, what: string): readonly PickleValue[] {
  if (Array.isArray(value)) return value;
  throw new PickleFormatError(`${what}: expected a list; found ${describe(value)}`);
}
