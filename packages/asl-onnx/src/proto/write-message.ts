import protobuf from "protobufjs/minimal.js";
import { FIELDS, type Field, type MessageName } from "./fields.js";
import { LENGTH_DELIMITED, SCALARS } from "./scalars.js";

/**
 * The bytes of a message, its fields in the order of their numbers; what is undefined is left out, a 0 is not. By
 * protobufjs's writer without its reflection, which generates and compiles code for every type first: that takes longer
 * than to write a network.
 */
export function encodeMessage(message: MessageName, value: object): Uint8Array {
  const writer = protobuf.Writer.create();
  writeMessage(writer, message, value);
  return writer.finish();
}

function writeMessage(writer: protobuf.Writer, message: string, value: object): void {
  for (const [name, field] of FIELDS_OF.get(message)!) {
    const content = (value as Readonly<Record<string, unknown>>)[name];
    if (content === undefined) continue;
    if (field.rule === undefined) writeValue(writer, field, content);
    else writeRepeated(writer, field, content as readonly unknown[]);
  }
}

/** In the order of their numbers, as the table has them. */
const FIELDS_OF: ReadonlyMap<string, readonly (readonly [name: string, field: Field])[]> = new Map(
  Object.entries(FIELDS).map(([message, fields]) => [message, Object.entries<Field>(fields)]),
);

function writeValue(writer: protobuf.Writer, { type, id }: Field, value: unknown): void {
  const scalar = SCALARS[type];
  writer.uint32(tag(id, scalar?.wireType ?? LENGTH_DELIMITED));
  if (scalar !== undefined) {
    scalar.write(writer, value as never);
    return;
  }
  writer.fork();
  writeMessage(writer, type, value as object);
  writer.ldelim();
}

/** Numbers are packed: one length, then their values. */
function writeRepeated(writer: protobuf.Writer, field: Field, values: readonly unknown[]): void {
  const scalar = SCALARS[field.type];
  if (scalar === undefined || scalar.wireType === LENGTH_DELIMITED) {
    for (const value of values) writeValue(writer, field, value);
    return;
  }
  if (values.length === 0) return;
  writer.uint32(tag(field.id, LENGTH_DELIMITED)).fork();
  for (const value of values) scalar.write(writer, value as never);
  writer.ldelim();
}

const tag = (id: number, wireType: number): number => 8 * id + wireType;
