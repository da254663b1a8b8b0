import { readFile } from "node:fs/promises";
import { f32, sizeOf, type TensorData } from "asl-core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  bottleneckBlocks,
  inspectTresnet,
  keySchemeOf,
  officialToTimm,
  rawWeightOfScale,
  scaleOfRawWeight,
  timmToOfficial,
  toOfficialName,
  toTimmName,
} from "../src/index.js";
import { golden } from "./support.js";

type Shapes = Readonly<Record<string, number[]>>;
type StateDicts = Readonly<Record<string, { state_dict: Shapes; timm_names: Shapes; params: number }>>;

const EPSILON = Math.fround(1e-5);

/** Tensors that have a type and no numbers: these tests are about names. */
const typed = (shapes: Shapes): Record<string, TensorData> =>
  Object.fromEntries(
    Object.entries(shapes).map(([name, shape]): [string, TensorData] => [
      name,
      { type: { dtype: "f32", shape }, data: new Float32Array(0) },
    ]),
  );

describe("every key of the real networks", async () => {
  const all: StateDicts = JSON.parse(await readFile(golden("tresnet_state_dicts.json"), "utf8"));

  const known = [
    ["tresnet_m", { variant: "tresnet_m", blocks: [3, 4, 11, 3], planes: 64, widthFactor: 1 }],
    ["tresnet_l", { variant: "tresnet_l", blocks: [4, 5, 18, 3], planes: 76, widthFactor: 1.2 }],
    ["tresnet_xl", { variant: "tresnet_xl", blocks: [4, 5, 24, 3], planes: 83, widthFactor: 1.3 }],
  ] as const;

  test.each(known)("%s: timm -> official", (model) => {
    const { state_dict, timm_names } = all[model]!;
    expect(keySchemeOf(Object.keys(timm_names))).toBe("timm");
    const bottlenecks = bottleneckBlocks(Object.keys(timm_names));
    const converted = Object.entries(timm_names).map(([name, shape]) => [toOfficialName(name, bottlenecks), shape]);
    expect(converted).toEqual(Object.entries(state_dict));
  });

  test.each(known)("%s: official -> timm", (model) => {
    const { state_dict, timm_names } = all[model]!;
    expect(keySchemeOf(Object.keys(state_dict))).toBe("official");
    const converted = Object.entries(state_dict).map(([name, shape]) => [toTimmName(name), shape]);
    expect(converted).toEqual(Object.entries(timm_names));
  });

  test.each(known)("%s is inspected as %o", (model, architecture) => {
    const { state_dict, params } = all[model]!;
    const trainable = Object.entries(state_dict).filter(([name]) => !/running_(mean|var)$/.test(name));
    expect(trainable.reduce((sum, [, shape]) => sum + sizeOf(shape), 0)).toBe(params);
    expect(inspectTresnet(typed(state_dict))).toEqual({
      ...architecture,
      stages: ["basic", "basic", "bottleneck", "bottleneck"],
      numClasses: 80,
      bottleneckHead: false,
    });
  });

  test("the OpenImages head of tresnet_l", () => {
    const { "head.fc.weight": _weight, "head.fc.bias": _bias, ...body } = all.tresnet_l!.state_dict;
    const tensors = typed({ ...body, ...all.tresnet_l_bottleneck_head_9605!.state_dict });
    expect(inspectTresnet(tensors)).toMatchObject({
      variant: "tresnet_l",
      numClasses: 9605,
      bottleneckHead: { features: 512 },
    });
  });
});

describe("TResNet-V2-L", () => {
  // Bottleneck in every stage, so that layer1 has a shortcut convolution without a pool before it.
  const blocks = [3, 4, 23, 3];
  const official: Record<string, number[]> = { "body.conv1.0.weight": [64, 48, 3, 3], "body.conv1.1.weight": [64] };
  const timm: Record<string, number[]> = { "body.conv1.conv.weight": [64, 48, 3, 3], "body.conv1.bn.weight": [64] };
  for (const [index, count] of blocks.entries()) {
    const layer = index + 1;
    for (let block = 0; block < count; block++) {
      const unit = `body.layer${layer}.${block}`;
      const blurred = block === 0 && layer > 1;
      const names: [string, string][] = [
        ["conv1.0.weight", "conv1.conv.weight"],
        ["conv1.1.bias", "conv1.bn.bias"],
        [blurred ? "conv2.0.0.weight" : "conv2.0.weight", "conv2.conv.weight"],
        [blurred ? "conv2.0.1.running_mean" : "conv2.1.running_mean", "conv2.bn.running_mean"],
        ["conv3.0.weight", "conv3.conv.weight"],
        ["se.fc1.weight", "se.fc1.weight"],
      ];
      if (block === 0) {
        const place = layer === 1 ? "downsample.0" : "downsample.1";
        names.push([`${place}.0.weight`, `${place}.conv.weight`], [`${place}.1.weight`, `${place}.bn.weight`]);
      }
      for (const [name, timmName] of names) {
        official[`${unit}.${name}`] = [1, 1];
        timm[`${unit}.${timmName}`] = [1, 1];
      }
    }
  }
  official["head.fc.weight"] = timm["head.fc.weight"] = [1000, 2048];

  test("both name schemes convert into each other", () => {
    const bottlenecks = bottleneckBlocks(Object.keys(timm));
    expect(Object.keys(timm).map((name) => toOfficialName(name, bottlenecks))).toEqual(Object.keys(official));
    expect(Object.keys(official).map(toTimmName)).toEqual(Object.keys(timm));
  });

  test("is recognised by its keys", () => {
    expect(inspectTresnet(typed(official))).toEqual({
      variant: "tresnet_v2_l",
      blocks,
      planes: 64,
      widthFactor: 1,
      stages: ["bottleneck", "bottleneck", "bottleneck", "bottleneck"],
      numClasses: 1000,
      bottleneckHead: false,
    });
  });
});

describe("which scheme names are in", () => {
  test("a mixture, or neither, is no scheme", () => {
    expect(keySchemeOf(["body.conv1.0.weight", "body.layer1.0.conv1.conv.weight"])).toBe("mixed");
    expect(keySchemeOf(["head.fc.weight", "layer1.0.conv1.weight"])).toBeNull();
  });

  test("tensors that are no TResNet's are refused by name", () => {
    expect(() => inspectTresnet({ "fc.weight": f32([1], [1]) }, "resnet.pth")).toThrow(
      "resnet.pth: no TResNet: there is no body.conv1.0.weight. First of its 1 tensors: fc.weight",
    );
    const stem = { "body.conv1.0.weight": f32([1, 3, 1, 1], [1, 2, 3]) };
    expect(() => inspectTresnet(stem, "a.pth")).toThrow("body.conv1.0.weight is [1,3,1,1], not [planes,48,3,3]");
  });
});

describe("batch-norm weights", () => {
  const float = (options: fc.FloatConstraints) => fc.float({ noNaN: true, noDefaultInfinity: true, ...options });

  const ulp = (value: number): number => Math.max(2 ** -149, 2 ** (Math.floor(Math.log2(value)) - 23));

  test("every scale from 1e-5 on comes back within one unit in its last place", () => {
    fc.assert(
      fc.property(float({ min: EPSILON }), (scale) => {
        expect(Math.abs(scaleOfRawWeight(rawWeightOfScale(scale)) - scale)).toBeLessThanOrEqual(ulp(scale));
      }),
      { numRuns: 2000 },
    );
  });

  test("a scale that came from a raw weight comes back exactly", () => {
    fc.assert(
      fc.property(float({ min: -1000, max: 1000 }), (weight) => {
        const scale = scaleOfRawWeight(weight);
        expect(scaleOfRawWeight(rawWeightOfScale(scale))).toBe(scale);
      }),
      { numRuns: 2000 },
    );
  });

  test("no neighbouring weight comes nearer to the scale", () => {
    fc.assert(
      fc.property(float({ min: 0, max: 4 }), (scale) => {
        const weight = rawWeightOfScale(scale);
        const error = Math.abs(scaleOfRawWeight(weight) - scale);
        for (const other of [weight + ulp(weight || 1e-45), Math.max(0, weight - ulp(weight || 1e-45))]) {
          expect(error).toBeLessThanOrEqual(Math.abs(scaleOfRawWeight(Math.fround(other)) - scale));
        }
      }),
      { numRuns: 2000 },
    );
  });

  test("a scale below 1e-5 becomes the smallest there is, and a note counts them", () => {
    expect([0, 1e-45, 9.9e-6].map((scale) => scaleOfRawWeight(rawWeightOfScale(scale)))).toEqual([
      EPSILON,
      EPSILON,
      EPSILON,
    ]);
    const { tensors, notes } = timmToOfficial({ "body.conv1.bn.weight": f32([3], [0, 1, 5e-6]) });
    expect(Array.from(tensors["body.conv1.1.weight"]!.data)).toEqual([0, Math.fround(1 - EPSILON), 0]);
    expect(notes).toEqual(["2 batch-norm scales below 1e-5 became 1e-5, the least there is"]);
  });

  test("a negative scale moves into the kernel before it: exact, whatever the input", () => {
    // y = s (k x - m) / d + b for a 1x1 kernel, in f64 of f32 values: sign changes are exact.
    fc.assert(
      fc.property(float({ min: -2, max: -1 }), float({ min: -2, max: 2 }), float({ min: -2, max: 2 }), (s, k, m) => {
        const { tensors, notes } = timmToOfficial({
          "body.conv1.conv.weight": f32([2, 1, 1, 1], [k, 0.5]),
          "body.conv1.bn.weight": f32([2], [s, 1]),
          "body.conv1.bn.running_mean": f32([2], [m, 0.25]),
        });
        const [kernel] = tensors["body.conv1.0.weight"]!.data;
        const [mean] = tensors["body.conv1.1.running_mean"]!.data;
        const scale = scaleOfRawWeight(tensors["body.conv1.1.weight"]!.data[0]!);
        for (const x of [-1.5, 0.25, 3]) expect(scale * (kernel! * x - mean!) + 0).toBe(s * (k * x - m) + 0);
        expect(tensors["body.conv1.0.weight"]!.data[1]).toBe(0.5);
        expect(tensors["body.conv1.1.running_mean"]!.data[1]).toBe(0.25);
        expect(notes[0]).toContain("1 negative batch-norm scales");
      }),
    );
  });

  test("official -> timm -> official keeps every scale: converted once, never twice", () => {
    fc.assert(
      fc.property(fc.array(float({ min: -10, max: 10 }), { minLength: 1, maxLength: 8 }), (weights) => {
        const official = { "body.conv1.1.weight": f32([weights.length], weights) };
        const back = timmToOfficial(officialToTimm(official).tensors).tensors["body.conv1.1.weight"]!;
        expect(Array.from(back.data, scaleOfRawWeight)).toEqual(weights.map(scaleOfRawWeight));
      }),
    );
  });
});
