/** `TensorProto.DataType` of the element types used here. */
export const DATA_TYPE = { float: 1, uint8: 2, int8: 3, int32: 6, int64: 7, bool: 9, float16: 10, double: 11 } as const;

/** `AttributeProto.AttributeType`. */
export const ATTRIBUTE_TYPE = { float: 1, int: 2, string: 3, tensor: 4, floats: 6, ints: 7 } as const;

export interface ModelProto {
  irVersion: number;
  producerName?: string;
  producerVersion?: string;
  domain?: string;
  modelVersion?: number;
  docString?: string;
  graph: GraphProto;
  opsetImport: OperatorSetIdProto[];
  metadataProps?: StringStringEntryProto[];
}

export interface OperatorSetIdProto {
  /** "" is ONNX's own operator set. */
  domain: string;
  version: number;
}

/** A missing string reads as "". */
export interface StringStringEntryProto {
  key?: string;
  value?: string;
}

export interface GraphProto {
  name: string;
  node: NodeProto[];
  initializer: TensorProto[];
  input: ValueInfoProto[];
  output: ValueInfoProto[];
  docString?: string;
}

export interface NodeProto {
  name: string;
  opType: string;
  input: string[];
  output: string[];
  attribute: AttributeProto[];
  domain?: string;
}

export interface AttributeProto {
  name: string;
  type: number;
  f?: number;
  i?: number;
  s?: Uint8Array;
  t?: TensorProto;
  floats?: number[];
  ints?: number[];
}

export interface TensorProto {
  name: string;
  dims: number[];
  dataType: number;
  /** Elements, little-endian, row-major. */
  rawData: Uint8Array;
}

export interface ValueInfoProto {
  name: string;
  type: TypeProto;
}

export interface TypeProto {
  tensorType: { elemType: number; shape?: { dim: DimensionProto[] } };
}

/** A fixed extent, a named symbolic one, or neither (unknown). */
export interface DimensionProto {
  dimValue?: number;
  dimParam?: string;
}
