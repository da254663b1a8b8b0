/** A field of a message: the type of its values, and its number on the wire. */
export interface Field {
  readonly type: string;
  readonly id: number;
  readonly rule?: "repeated";
}

const optional = (type: string, id: number): Field => ({ type, id });

const repeated = (type: string, id: number): Field => ({ rule: "repeated", type, id });

/** The ONNX messages that this package reads and writes; field numbers are those of the ONNX specification, ascending. */
export const FIELDS = {
  ModelProto: {
    irVersion: optional("int64", 1),
    producerName: optional("string", 2),
    producerVersion: optional("string", 3),
    domain: optional("string", 4),
    modelVersion: optional("int64", 5),
    docString: optional("string", 6),
    graph: optional("GraphProto", 7),
    opsetImport: repeated("OperatorSetIdProto", 8),
    metadataProps: repeated("StringStringEntryProto", 14),
  },
  OperatorSetIdProto: { domain: optional("string", 1), version: optional("int64", 2) },
  StringStringEntryProto: { key: optional("string", 1), value: optional("string", 2) },
  GraphProto: {
    node: repeated("NodeProto", 1),
    name: optional("string", 2),
    initializer: repeated("TensorProto", 5),
    docString: optional("string", 10),
    input: repeated("ValueInfoProto", 11),
    output: repeated("ValueInfoProto", 12),
  },
  NodeProto: {
    input: repeated("string", 1),
    output: repeated("string", 2),
    name: optional("string", 3),
    opType: optional("string", 4),
    attribute: repeated("AttributeProto", 5),
    domain: optional("string", 7),
  },
  AttributeProto: {
    name: optional("string", 1),
    f: optional("float", 2),
    i: optional("int64", 3),
    s: optional("bytes", 4),
    t: optional("TensorProto", 5),
    floats: repeated("float", 7),
    ints: repeated("int64", 8),
    type: optional("int32", 20),
  },
  TensorProto: {
    dims: repeated("int64", 1),
    dataType: optional("int32", 2),
    name: optional("string", 8),
    rawData: optional("bytes", 9),
    externalData: repeated("StringStringEntryProto", 13),
    dataLocation: optional("int32", 14),
  },
  ValueInfoProto: { name: optional("string", 1), type: optional("TypeProto", 2) },
  TypeProto: { tensorType: optional("TensorTypeProto", 1) },
  TensorTypeProto: { elemType: optional("int32", 1), shape: optional("TensorShapeProto", 2) },
  TensorShapeProto: { dim: repeated("DimensionProto", 1) },
  DimensionProto: { dimValue: optional("int64", 1), dimParam: optional("string", 2) },
};

export type MessageName = keyof typeof FIELDS;
