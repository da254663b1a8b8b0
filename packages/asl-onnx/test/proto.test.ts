import { InputError } from "asl-core";
import fc from "fast-check";
import protobuf from "protobufjs/light.js";
import { describe, expect, it } from "vitest";
import { decodeModel } from "../src/proto/decode.js";
import { encodeModel, splitModel } from "../src/proto/encode.js";
import { FIELDS } from "../src/proto/fields.js";
import {
  ATTRIBUTE_TYPE,
  type AttributeProto,
  DATA_TYPE,
  type ModelProto,
  type TensorProto,
} from "../src/proto/messages.js";

/** The same messages by protobufjs's reflection. Presence is explicit, because ONNX distinguishes an absent 0 from a 0. */
const explicit = { options: { features: { field_presence: "EXPLICIT" } } };
const nested = Object.fromEntries(
  Object.entries(FIELDS).map(([message, table]) => {
    const fields = Object.entries(table).map(([name, field]) => [
      name,
      { ...("rule" in field ? {} : explicit), ...field },
    ]);
    return [message, { fields: Object.fromEntries(fields) }];
  }),
);
const REFLECTED = protobuf.Root.fromJSON({ nested }).lookupType("ModelProto");

const safeInteger = fc.maxSafeInteger();
const names = fc.string({ minLength: 1 });

const attributes: fc.Arbitrary<AttributeProto> = fc.oneof(
  fc.record({ name: names, i: fc.oneof(fc.constant(0), safeInteger) }).map((a) => ({ ...a, type: ATTRIBUTE_TYPE.int })),
  fc
    .record({ name: names, ints: fc.array(safeInteger, { minLength: 1 }) })
    .map((a) => ({ ...a, type: ATTRIBUTE_TYPE.ints })),
  fc
    .record({ name: names, f: fc.float({ noNaN: true, noDefaultInfinity: true }).map((x) => x + 0) })
    .map((a) => ({ ...a, type: ATTRIBUTE_TYPE.float })),
  fc.record({ name: names, s: fc.uint8Array({ minLength: 1 }) }).map((a) => ({ ...a, type: ATTRIBUTE_TYPE.string })),
);

const models: fc.Arbitrary<ModelProto> = fc.record({
  irVersion: fc.constant(8),
  opsetImport: fc.constant([{ domain: "ai.example", version: 17 }]),
  metadataProps: fc.array(fc.record({ key: names, value: names })),
  graph: fc.record({
    name: names,
    node: fc.array(
      fc.record({
        name: names,
        opType: names,
        input: fc.array(names),
        output: fc.array(names),
        attribute: fc.array(attributes),
      }),
    ),
    initializer: fc.array(
      fc.record({
        name: names,
        dims: fc.array(fc.nat()),
        dataType: fc.constant(DATA_TYPE.float),
        rawData: fc.uint8Array({ minLength: 1 }),
      }),
    ),
    input: fc.constant([]),
    output: fc.array(
      fc.record({
        name: names,
        type: fc.constant({
          tensorType: { elemType: DATA_TYPE.float, shape: { dim: [{ dimParam: "batch" }, { dimValue: 3 }] } },
        }),
      }),
    ),
  }),
});

/** Bytes as numbers; an empty list and a missing one are the same in protobuf. */
const plain = (model: ModelProto): unknown =>
  JSON.parse(
    JSON.stringify(model, (_, value) => {
      if (value instanceof Uint8Array) return [...value];
      return Array.isArray(value) && value.length === 0 ? undefined : value;
    }),
  );

describe("ONNX protobuf", () => {
  it("decodes what it encodes", () => {
    fc.assert(
      fc.property(models, (model) => {
        // A Buffer has its own JSON form before the replacer sees it.
        const decoded = decodeModel(encodeModel(model));
        for (const tensor of decoded.graph.initializer) tensor.rawData = new Uint8Array(tensor.rawData);
        for (const { attribute } of decoded.graph.node) {
          for (const each of attribute) if (each.s !== undefined) each.s = new Uint8Array(each.s);
        }
        expect(plain(decoded)).toEqual(plain(model));
      }),
      { numRuns: 100 },
    );
  });

  it("writes the bytes that protobufjs's reflection writes, and reads what it reads", () => {
    fc.assert(
      fc.property(models, (model) => {
        const whole = REFLECTED.encode(REFLECTED.create({ ...model })).finish();
        expect(Buffer.compare(encodeModel(model), whole)).toBe(0);
        expect(decodeModel(whole)).toEqual(
          REFLECTED.toObject(REFLECTED.decode(whole), { longs: Number, arrays: true }),
        );
      }),
      { numRuns: 100 },
    );
  });

  it("passes over what it does not know", () => {
    const model: ModelProto = withWeights([]);
    // field 99: a number, 8 bytes, a string, 4 bytes; and a name of a graph that is a number
    const unknown = [
      0x98,
      0x06,
      0x01,
      0x99,
      0x06,
      ...new Array(8).fill(7),
      0x9a,
      0x06,
      0x01,
      0x41,
      0x9d,
      0x06,
      1,
      2,
      3,
      4,
    ];
    const asNumber = [0x3a, 0x02, 0x10, 0x05];
    const { graph, ...rest } = decodeModel(Uint8Array.from([...encodeModel(model), ...unknown]));
    expect({ graph, ...rest }).toEqual(decodeModel(encodeModel(model)));
    expect(decodeModel(Uint8Array.from([...encodeModel(model), ...asNumber])).graph.name).toBeUndefined();
  });

  it("takes numbers one by one as well as packed", () => {
    const dims = (bytes: readonly number[]) => {
      const tensor = [0x2a, bytes.length, ...bytes];
      const file = Uint8Array.from([0x08, 0x08, 0x3a, tensor.length, ...tensor]);
      return decodeModel(file).graph.initializer[0]!.dims;
    };
    expect(dims([0x0a, 0x03, 0x02, 0x80, 0x01])).toEqual([2, 128]);
    expect(dims([0x08, 0x02, 0x08, 0x80, 0x01])).toEqual([2, 128]);
  });

  it("is an error or a model, whatever is cut off or changed", () => {
    const damaged = fc.tuple(models, fc.nat(), fc.nat({ max: 255 }), fc.boolean()).map(([model, at, byte, cut]) => {
      const bytes = encodeModel(model).slice();
      const position = at % bytes.length;
      if (cut) return bytes.subarray(0, position);
      bytes[position] = byte;
      return bytes;
    });
    fc.assert(
      fc.property(damaged, (bytes) => {
        try {
          decodeModel(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(InputError);
        }
      }),
      { numRuns: 300 },
    );
  });

  const withWeights = (initializer: TensorProto[]): ModelProto => ({
    irVersion: 8,
    opsetImport: [],
    graph: { name: "large", node: [], initializer, input: [], output: [] },
  });

  it("keeps the bytes of large tensors", () => {
    const rawData = new Uint8Array(new Float32Array(4_000_000).fill(1.5).buffer);
    const model = withWeights([{ name: "w", dims: [4_000_000], dataType: DATA_TYPE.float, rawData }]);
    const decoded = decodeModel(encodeModel(model)).graph.initializer[0]!;
    expect(Buffer.compare(decoded.rawData, rawData)).toBe(0);
  });

  it("a split model names large tensors and leaves their bytes where they are", () => {
    const tensor = (name: string, bytes: number) => {
      return { name, dims: [bytes], dataType: DATA_TYPE.uint8, rawData: new Uint8Array(bytes).fill(7) };
    };
    const [small, large] = [tensor("small", 8), tensor("large", 2 ** 14)];
    const { bytes, externalData } = splitModel(withWeights([small, large]));
    expect(externalData).toEqual([{ path: "weights/0", data: large.rawData }]);
    expect(externalData[0]!.data.buffer).toBe(large.rawData.buffer);
    const [kept, apart] = decodeModel(bytes).graph.initializer;
    expect(new Uint8Array(kept!.rawData)).toEqual(small.rawData);
    expect(apart).toMatchObject({
      name: "large",
      dims: [2 ** 14],
      dataLocation: 1,
      externalData: [
        { key: "location", value: "weights/0" },
        { key: "offset", value: "0" },
        { key: "length", value: "16384" },
      ],
    });
  });

  it("refuses more than protobuf's 2 GiB", () => {
    const gibibyte = { name: "w", dims: [], dataType: DATA_TYPE.float, rawData: { byteLength: 2 ** 30 } as Uint8Array };
    expect(() => encodeModel(withWeights([gibibyte, gibibyte]))).toThrow(/one file holds at most 2 GiB/);
  });
});
