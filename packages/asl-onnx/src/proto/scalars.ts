import type protobuf from "protobufjs/minimal.js";

/** Wire types, of protobuf's encoding specification. */
export const VARINT = 0;
export const LENGTH_DELIMITED = 2;
export const FIXED_32 = 5;

/** How values of a type that is no message stand on the wire. */
export interface Scalar {
  readonly wireType: number;
  readonly write: (writer: protobuf.Writer, value: never) => unknown;
  readonly read: (reader: protobuf.Reader) => unknown;
}

/** By the names that the table of fields uses; a type that is not here is a message. */
export const SCALARS: Readonly<Record<string, Scalar>> = {
  int32: {
    wireType: VARINT,
    write: (writer, value: number) => writer.int32(value),
    read: (reader) => reader.int32(),
  },
  int64: {
    wireType: VARINT,
    write: (writer, value: number) => writer.int64(value),
    // an object where the package `long` is there
    read: (reader) => Number(reader.int64()),
  },
  float: {
    wireType: FIXED_32,
    write: (writer, value: number) => writer.float(value),
    read: (reader) => reader.float(),
  },
  string: {
    wireType: LENGTH_DELIMITED,
    write: (writer, value: string) => writer.string(value),
    read: (reader) => reader.string(),
  },
  bytes: {
    wireType: LENGTH_DELIMITED,
    write: (writer, value: Uint8Array) => writer.bytes(value),
    read: (reader) => reader.bytes(),
  },
};
