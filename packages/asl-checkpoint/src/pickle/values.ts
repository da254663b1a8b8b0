import type { ElementType } from "../elements.js";

/** The bytes behind one or more tensors of a PyTorch file; not read yet. */
export interface StorageReference {
  readonly kind: "storage";
  /** Its name in the file: an entry `data/KEY` (zip) or a key of the list at the end (legacy). */
  readonly key: string;
  /** null: untyped bytes, the tensor says what they mean. */
  readonly elementType: ElementType | null;
  /** Size in elements (bytes when untyped). */
  readonly size: number;
  /** First element of this storage within the bytes of `key` (views of the legacy format), usually 0. */
  readonly start: number;
  /** Elements of the whole storage `key`. */
  readonly rootSize: number;
}

/** A tensor of a PyTorch file; its numbers are not read yet. Offset and strides are in elements. */
export interface TensorReference {
  readonly kind: "tensor";
  readonly storage: StorageReference;
  readonly elementType: ElementType;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

/** A Python class, function or constant from the allow list that stands as a value, e.g. `torch.float32`. */
export interface PythonName {
  readonly kind: "name";
  readonly name: string;
}

/**
 * What a restricted pickle holds. dict, OrderedDict and Namespace become Map; list and tuple become arrays;
 * integers outside the safe range become bigint. Containers may share or contain themselves, as in Python.
 */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleValue[]
  | Map<PickleValue, PickleValue>
  | Set<PickleValue>
  | StorageReference
  | TensorReference
  | PythonName;

export function isTensor(value: PickleValue | undefined): value is TensorReference {
  return hasKind(value) && value.kind === "tensor";
}

export function isStorage(value: PickleValue | undefined): value is StorageReference {
  return hasKind(value) && value.kind === "storage";
}

export function isPythonName(value: PickleValue | undefined): value is PythonName {
  return hasKind(value) && value.kind === "name";
}

function hasKind(value: PickleValue | undefined): value is StorageReference | TensorReference | PythonName {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Map) &&
    !(value instanceof Set) &&
    !(value instanceof Uint8Array)
  );
}

/** A short description for messages: `dict of 3`, `str "abc"`. */
export function describe(value: PickleValue | undefined): string {
  if (value === undefined) return "nothing";
  if (value === null) return "None";
  if (typeof value === "string") return `str "${value.length > 40 ? `${value.slice(0, 40)}...` : value}"`;
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number" || typeof value === "bigint") return `number ${value}`;
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (Array.isArray(value)) return `list of ${value.length}`;
  if (value instanceof Map) return `dict of ${value.size}`;
  if (value instanceof Set) return `set of ${value.size}`;
  switch (value.kind) {
    case "tensor":
      return `tensor [${value.shape.join(",")}]`;
    case "storage":
      return "storage";
    case "name":
      return value.name;
  }
}
