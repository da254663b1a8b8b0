import { construct, isAllowed, pythonName } from "./allowed.js";
import { PickleFormatError, PickleRefusal } from "./format-error.js";
import { PickleSource } from "./source.js";
import { storageFromId } from "./tensors.js";
import { describe, isPythonName, type PickleValue, type StorageReference } from "./values.js";

const MARK = Symbol("mark");
const HIGHEST_PROTOCOL = 5;

/**
 * A pickle machine that builds tensors and plain containers only. It never calls anything but the constructors of
 * `allowed.ts`, and refuses a name outside that list as soon as the pickle mentions it.
 * Opcodes: those that protocols 2 to 5 of Python's pickle write (Python's pickletools describes each), and the text
 * form of GLOBAL, so that older pickles are refused by name too.
 */
class Unpickler {
  readonly storages = new Map<string, StorageReference>();
  readonly #source: PickleSource;
  readonly #stack: (PickleValue | typeof MARK)[] = [];
  readonly #memo = new Map<number, PickleValue>();
  /** Maps that stand for argparse.Namespace: BUILD gives them their attributes. */
  readonly #namespaces = new WeakSet<object>();

  /** Items that constructors may still copy: without a limit, a small pickle that calls one often fills the memory. */
  #budget: number;

  constructor(source: PickleSource) {
    this.#source = source;
    this.#budget = 1_000_000 + 4 * source.length;
  }

  run(): PickleValue {
    for (;;) {
      const opcode = this.#source.uint8();
      if (opcode === 0x2e /* . STOP */) return this.#pop();
      const step = OPCODES[opcode];
      if (step === undefined) {
        throw new PickleFormatError(`opcode 0x${opcode.toString(16)} at byte ${this.#source.position - 1}`);
      }
      step(this, this.#source);
    }
  }

  push(value: PickleValue): void {
    this.#stack.push(value);
  }

  pushMark(): void {
    this.#stack.push(MARK);
  }

  pop(): PickleValue {
    return this.#pop();
  }

  dropTop(): void {
    if (this.#stack.pop() === undefined) throw new PickleFormatError("an empty stack");
  }

  duplicate(): void {
    this.push(this.#top());
  }

  /** Everything above the last mark, and the mark itself, leave the stack. */
  popToMark(): PickleValue[] {
    const start = this.#stack.lastIndexOf(MARK);
    if (start < 0) throw new PickleFormatError("a missing mark");
    const items: PickleValue[] = [];
    for (const item of this.#stack.splice(start).slice(1)) if (item !== MARK) items.push(item);
    return items;
  }

  tuple(length: number): void {
    const items: PickleValue[] = [];
    for (let i = 0; i < length; i++) items.unshift(this.#pop());
    this.push(items);
  }

  put(index: number): void {
    this.#memo.set(index, this.#top());
  }

  memoize(): void {
    this.put(this.#memo.size);
  }

  get(index: number): void {
    const value = this.#memo.get(index);
    if (value === undefined) throw new PickleFormatError(`memo ${index} was never set`);
    this.push(value);
  }

  append(items: readonly PickleValue[]): void {
    const list = this.#top();
    if (!Array.isArray(list)) throw new PickleFormatError(`an append to ${describe(list)}`);
    for (const item of items) list.push(item);
  }

  setItems(items: readonly PickleValue[]): void {
    const map = this.#top();
    if (!(map instanceof Map) || items.length % 2 !== 0) throw new PickleFormatError(`an entry for ${describe(map)}`);
    for (let i = 0; i < items.length; i += 2) map.set(items[i]!, items[i + 1]!);
  }

  addItems(items: readonly PickleValue[]): void {
    const set = this.#top();
    if (!(set instanceof Set)) throw new PickleFormatError(`an addition to ${describe(set)}`);
    for (const item of items) set.add(item);
  }

  name(module: string, name: string): void {
    const full = pythonName(module, name);
    if (!isAllowed(full)) throw new PickleRefusal(full);
    this.push({ kind: "name", name: full });
  }

  stackName(): void {
    const name = this.#pop();
    const module = this.#pop();
    if (typeof name !== "string" || typeof module !== "string") throw new PickleFormatError("a name that is no str");
    this.name(module, name);
  }

  /** BINPERSID: the id on the stack names a storage. */
  storage(): void {
    const storage = storageFromId(this.#pop());
    this.storages.set(storage.key, storage);
    this.push(storage);
  }

  /** REDUCE: callable(*args). */
  call(): void {
    const args = this.#pop();
    const callable = this.#pop();
    if (!isPythonName(callable)) throw new PickleFormatError(`a call of ${describe(callable)}`);
    if (!Array.isArray(args)) throw new PickleFormatError(`arguments that are ${describe(args)}`);
    this.#construct(callable.name, args);
  }

  /** NEWOBJ: an object of a class without calling its constructor. The only one is an empty argparse.Namespace. */
  newObject(): void {
    const args = this.#pop();
    const type = this.#pop();
    const name = isPythonName(type) ? type.name : describe(type);
    if (name === "argparse.Namespace" && Array.isArray(args) && args.length === 0) {
      const namespace = new Map<PickleValue, PickleValue>();
      this.#namespaces.add(namespace);
      this.push(namespace);
      return;
    }
    if (!isPythonName(type) || !Array.isArray(args)) throw new PickleFormatError(`an object of ${name}`);
    this.#construct(name, args);
  }

  /** BUILD: gives an object its attributes. Those of an OrderedDict or a tensor carry nothing that is read. */
  build(): void {
    const state = this.#pop();
    const object = this.#top();
    if (!(object instanceof Map)) {
      if (typeof object === "object" && object !== null && "kind" in object && object.kind === "tensor") return;
      throw new PickleFormatError(`attributes for ${describe(object)}`);
    }
    if (!this.#namespaces.has(object)) return;
    if (!(state instanceof Map)) throw new PickleFormatError(`argparse.Namespace with ${describe(state)}`);
    for (const [key, value] of state) object.set(key, value);
  }

  #construct(name: string, args: readonly PickleValue[]): void {
    for (const arg of args) this.#budget -= itemsOf(arg);
    if (this.#budget < 0) throw new PickleFormatError("more data than its size allows");
    this.push(construct(name, args));
  }

  #pop(): PickleValue {
    const value = this.#stack.pop();
    if (value === undefined || value === MARK) throw new PickleFormatError("an empty stack");
    return value;
  }

  #top(): PickleValue {
    const value = this.#stack.at(-1);
    if (value === undefined || value === MARK) throw new PickleFormatError("an empty stack");
    return value;
  }
}

function itemsOf(value: PickleValue): number {
  if (typeof value === "string" || Array.isArray(value)) return value.length;
  return value instanceof Map || value instanceof Set ? value.size : 1;
}

type Step = (machine: Unpickler, source: PickleSource) => void;

const OPCODES: Readonly<Record<number, Step>> = {
  128: (_, source) => {
    const protocol = source.uint8();
    if (protocol > HIGHEST_PROTOCOL) throw new PickleFormatError(`pickle protocol ${protocol}`);
  },
  149: (_, source) => void source.uint64(), // FRAME: only a hint for buffering
  40: (machine) => machine.pushMark(), // ( MARK
  48: (machine) => machine.dropTop(), // 0 POP
  49: (machine) => void machine.popToMark(), // 1 POP_MARK
  50: (machine) => machine.duplicate(), // 2 DUP
  78: (machine) => machine.push(null), // N NONE
  136: (machine) => machine.push(true), // NEWTRUE
  137: (machine) => machine.push(false), // NEWFALSE
  74: (machine, source) => machine.push(source.int32()), // J BININT
  75: (machine, source) => machine.push(source.uint8()), // K BININT1
  77: (machine, source) => machine.push(source.uint16()), // M BININT2
  138: (machine, source) => machine.push(source.long(source.uint8())), // LONG1
  139: (machine, source) => machine.push(source.long(source.int32())), // LONG4
  71: (machine, source) => machine.push(source.float64()), // G BINFLOAT
  88: (machine, source) => machine.push(source.utf8(source.uint32())), // X BINUNICODE
  140: (machine, source) => machine.push(source.utf8(source.uint8())), // SHORT_BINUNICODE
  141: (machine, source) => machine.push(source.utf8(source.uint64())), // BINUNICODE8
  84: (machine, source) => machine.push(source.utf8(source.int32())), // T BINSTRING (Python 2)
  85: (machine, source) => machine.push(source.utf8(source.uint8())), // U SHORT_BINSTRING (Python 2)
  66: (machine, source) => machine.push(Uint8Array.from(source.take(source.uint32()))), // B BINBYTES
  67: (machine, source) => machine.push(Uint8Array.from(source.take(source.uint8()))), // C SHORT_BINBYTES
  142: (machine, source) => machine.push(Uint8Array.from(source.take(source.uint64()))), // BINBYTES8
  150: (machine, source) => machine.push(Uint8Array.from(source.take(source.uint64()))), // BYTEARRAY8
  93: (machine) => machine.push([]), // ] EMPTY_LIST
  41: (machine) => machine.push([]), // ) EMPTY_TUPLE
  125: (machine) => machine.push(new Map()), // } EMPTY_DICT
  143: (machine) => machine.push(new Set()), // EMPTY_SET
  108: (machine) => machine.push(machine.popToMark()), // l LIST
  116: (machine) => machine.push(machine.popToMark()), // t TUPLE
  133: (machine) => machine.tuple(1), // TUPLE1
  134: (machine) => machine.tuple(2), // TUPLE2
  135: (machine) => machine.tuple(3), // TUPLE3
  100: (machine) => {
    const items = machine.popToMark(); // d DICT
    machine.push(new Map());
    machine.setItems(items);
  },
  145: (machine) => machine.push(new Set(machine.popToMark())), // FROZENSET
  97: (machine) => {
    const item = machine.pop(); // a APPEND
    machine.append([item]);
  },
  101: (machine) => machine.append(machine.popToMark()), // e APPENDS
  115: (machine) => {
    const value = machine.pop(); // s SETITEM
    const key = machine.pop();
    machine.setItems([key, value]);
  },
  117: (machine) => machine.setItems(machine.popToMark()), // u SETITEMS
  144: (machine) => machine.addItems(machine.popToMark()), // ADDITEMS
  113: (machine, source) => machine.put(source.uint8()), // q BINPUT
  114: (machine, source) => machine.put(source.uint32()), // r LONG_BINPUT
  148: (machine) => machine.memoize(), // MEMOIZE
  104: (machine, source) => machine.get(source.uint8()), // h BINGET
  106: (machine, source) => machine.get(source.uint32()), // j LONG_BINGET
  99: (machine, source) => {
    const module = source.line(); // c GLOBAL
    machine.name(module, source.line());
  },
  147: (machine) => machine.stackName(), // STACK_GLOBAL
  82: (machine) => machine.call(), // R REDUCE
  129: (machine) => machine.newObject(), // NEWOBJ
  146: (machine) => {
    const keywords = machine.pop(); // NEWOBJ_EX
    if (!(keywords instanceof Map) || keywords.size > 0) throw new PickleFormatError("an object with keywords");
    machine.newObject();
  },
  98: (machine) => machine.build(), // b BUILD
  81: (machine) => machine.storage(), // Q BINPERSID
  // i INST of protocols 0 and 1 names its class like GLOBAL and calls it.
  105: (machine, source) => {
    const module = source.line();
    machine.name(module, source.line());
    throw new PickleFormatError("the INST opcode of pickle protocol 0");
  },
};

export interface Unpickled {
  readonly value: PickleValue;
  /** Every storage that the pickle mentions, by key. */
  readonly storages: ReadonlyMap<string, StorageReference>;
  /** The position behind the pickle. */
  readonly end: number;
}

/**
 * Reads one pickle from `bytes` at `position`.
 * @throws PickleRefusal, PickleFormatError, PickleTruncatedError
 */
export function unpickle(bytes: Uint8Array, position = 0): Unpickled {
  const source = new PickleSource(bytes, position);
  const machine = new Unpickler(source);
  const value = machine.run();
  return { value, storages: machine.storages, end: source.position };
}
