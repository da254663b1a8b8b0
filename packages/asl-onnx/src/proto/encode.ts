import { InputError } from "asl-core";
import { FIELDS } from "./fields.js";
import type { GraphProto, ModelProto, TensorProto } from "./messages.js";
import { LENGTH_DELIMITED } from "./scalars.js";
import { encodeMessage } from "./write-message.js";

/** Protobuf's own limit for one message. */
const MAXIMUM_BYTES = 2 ** 31 - 1;

/**
 * The bytes of an `.onnx` file. Tensor contents are written as raw bytes, one copy each.
 * Throws InputError when the model is over protobuf's 2 GiB.
 */
export function encodeModel(model: ModelProto): Uint8Array {
  const bytes = model.graph.initializer.reduce((sum, tensor) => sum + tensor.rawData.byteLength, 0);
  if (bytes > MAXIMUM_BYTES) {
    throw new InputError(`ONNX model "${model.graph.name}": ${bytes} bytes of weights; one file holds at most 2 GiB`);
  }
  return concatenated(modelPieces(model, tensorPieces));
}

/** A model whose large tensors are external data, each a file of its own by ONNX's rules: bytes in memory, not copied. */
export interface SplitModel {
  readonly bytes: Uint8Array;
  readonly externalData: readonly { readonly path: string; readonly data: Uint8Array }[];
}

/** Bytes from which on a tensor stands apart; smaller ones may be shapes, which a runtime must know to load a graph. */
const LARGE = 2 ** 14;

/** The same model without a copy of its weights. */
export function splitModel(model: ModelProto): SplitModel {
  const externalData: { path: string; data: Uint8Array }[] = [];
  const split = (tensor: TensorProto): Uint8Array[] => {
    const { rawData: data, ...head } = tensor;
    if (data.byteLength < LARGE) return tensorPieces(tensor);
    const path = `weights/${externalData.length}`;
    externalData.push({ path, data });
    const place = { location: path, offset: "0", length: String(data.byteLength) };
    const entries = Object.entries(place).map(([key, value]) => ({ key, value }));
    return [encodeMessage("TensorProto", { ...head, externalData: entries, dataLocation: EXTERNAL })];
  };
  return { bytes: concatenated(modelPieces(model, split)), externalData };
}

/** `TensorProto.DataLocation`. */
const EXTERNAL = 1;

type TensorPieces = (tensor: TensorProto) => Uint8Array[];

/**
 * Fields in the order of their numbers, without the copy of a message for every level it is in that protobuf's own nesting
 * takes.
 */
function modelPieces({ graph, opsetImport, metadataProps, ...head }: ModelProto, piecesOf: TensorPieces): Uint8Array[] {
  return [
    encodeMessage("ModelProto", head),
    ...nested(FIELDS.ModelProto.graph.id, graphPieces(graph, piecesOf)),
    encodeMessage("ModelProto", { opsetImport, metadataProps }),
  ];
}

function graphPieces({ node, name, initializer, ...tail }: GraphProto, piecesOf: TensorPieces): Uint8Array[] {
  return [
    encodeMessage("GraphProto", { node, name }),
    ...initializer.flatMap((tensor) => nested(FIELDS.GraphProto.initializer.id, piecesOf(tensor))),
    encodeMessage("GraphProto", tail),
  ];
}

const tensorPieces = ({ rawData, ...head }: TensorProto): Uint8Array[] => [
  encodeMessage("TensorProto", head),
  ...nested(FIELDS.TensorProto.rawData.id, [rawData]),
];

/** A field of bytes: its tag and length, then the pieces. */
function nested(field: number, pieces: readonly Uint8Array[]): Uint8Array[] {
  return [Uint8Array.from([...varint(8 * field + LENGTH_DELIMITED), ...varint(lengthOf(pieces))]), ...pieces];
}

/** Seven bits a byte, the lowest first; the highest bit says that more follow. */
const varint = (value: number): number[] =>
  value < 128 ? [value] : [128 + (value % 128), ...varint(Math.floor(value / 128))];

const lengthOf = (pieces: readonly Uint8Array[]) => pieces.reduce((sum, { byteLength }) => sum + byteLength, 0);

function concatenated(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(lengthOf(pieces));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.byteLength;
  }
  return whole;
}
