import protobuf from "protobufjs/minimal.js";
import { FIELDS, type Field, type MessageName } from "./fields.js";
import { LENGTH_DELIMITED, SCALARS } from "./scalars.js";

type Content = Record<string, unknown>;

/**
 * The fields of a message: what is absent is undefined, a repeated field that is absent is empty, and fields that the
 * table does not have are passed over. By protobufjs's reader without its reflection, as `encodeMessage`. Throws an Error
 * for bytes that are no protobuf; those of `bytes` fields share the memory of `bytes`.
 */
export function decodeMessage(message: MessageName, bytes: Uint8Array): Content {
  const reader = protobuf.Reader.create(bytes);
  return readMessage(reader, message, reader.len);
}

/** `end`: the position behind the message. */
function readMessage(reader: protobuf.Reader, message: string, end: number): Content {
  if (end > reader.len) throw new RangeError(`a message ends at byte ${end} of ${reader.len}`);
  const { byNumber, repeated } = LAYOUTS.get(message)!;
  const content: Content = Object.fromEntries(repeated.map((name) => [name, []]));
  while (reader.pos < end) {
    const tag = reader.uint32();
    const known = byNumber.get(tag >>> 3);
    if (known === undefined) reader.skipType(tag & 7);
    else readField(reader, content, known, tag & 7);
  }
  if (reader.pos !== end) throw new RangeError(`a message of ${end} bytes goes on to byte ${reader.pos}`);
  return content;
}

function readField(reader: protobuf.Reader, content: Content, { name, type, rule }: NamedField, wireType: number) {
  const scalar = SCALARS[type];
  const ownWireType = scalar?.wireType ?? LENGTH_DELIMITED;
  const values = rule === "repeated" ? (content[name] as unknown[]) : undefined;
  if (wireType === ownWireType) {
    const value = scalar === undefined ? readMessage(reader, type, endOf(reader)) : scalar.read(reader);
    if (values === undefined) content[name] = value;
    else values.push(value);
  } else if (values !== undefined && scalar !== undefined && wireType === LENGTH_DELIMITED) {
    // packed numbers: one length, then their values
    for (const end = endOf(reader); reader.pos < end; ) values.push(scalar.read(reader));
  } else {
    // of another type: unknown, by protobuf's rules
    reader.skipType(wireType);
  }
}

/** Reads the length of what follows. */
const endOf = (reader: protobuf.Reader): number => {
  const length = reader.uint32();
  return reader.pos + length;
};

interface NamedField extends Field {
  readonly name: string;
}

interface Layout {
  readonly byNumber: ReadonlyMap<number, NamedField>;
  readonly repeated: readonly string[];
}

const LAYOUTS: ReadonlyMap<string, Layout> = new Map(
  Object.entries(FIELDS).map(([message, table]) => {
    const fields = Object.entries<Field>(table).map(([name, field]) => ({ name, ...field }));
    const repeated = fields.filter(({ rule }) => rule === "repeated").map(({ name }) => name);
    return [message, { byNumber: new Map(fields.map((field) => [field.id, field])), repeated }];
  }),
);
