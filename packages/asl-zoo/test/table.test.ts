import { join } from "node:path";
import { TRESNETS } from "asl-core";
import { describe, expect, it } from "vitest";
import { isZooName, mirrored, parseModels, settingsFrom, ZOO_MODELS, ZooError, zooModel } from "../src/index.js";

const TIMM = [
  ...["m", "l", "xl"].flatMap((size) => [`tresnet_${size}.miil_in1k`, `tresnet_${size}.miil_in1k_448`]),
  ...["m", "v2_l"].flatMap((size) => [`tresnet_${size}.miil_in21k`, `tresnet_${size}.miil_in21k_ft_in1k`]),
];

describe("the table", () => {
  it("has the six checkpoints of the official model zoo with its figures", () => {
    const official = ZOO_MODELS.filter(({ task }) => task === "multi-label");
    expect(
      official.map(({ variant, dataset, imageSize, classes, metric }) => [
        variant,
        dataset,
        imageSize,
        classes,
        metric?.percent,
      ]),
    ).toEqual([
      ["tresnet_m", "MS-COCO 2014", 224, 80, 81.8],
      ["tresnet_l", "MS-COCO 2014", 448, 80, 86.6],
      ["tresnet_xl", "MS-COCO 2014", 640, 80, 88.4],
      ["tresnet_xl", "PASCAL-VOC 2007", 448, 20, 96],
      ["tresnet_l", "NUS-WIDE", 448, 81, 65.2],
      ["tresnet_l", "Open Images V6", 448, 9605, 86.3],
    ]);
  });

  it("has timm's ten names, and networks that asl-core builds", () => {
    const timm = ZOO_MODELS.filter(({ task }) => task === "single-label");
    expect(timm.map(({ name }) => name).sort()).toEqual([...TIMM].sort());
    for (const { variant } of ZOO_MODELS) expect(Object.keys(TRESNETS)).toContain(variant);
    for (const { url, name } of timm) expect(url).toContain(`/timm/${name}/`);
  });

  it.each([
    [{ imageSize: 450 }, "models.json: 0.imageSize: Invalid multiple"],
    [{ url: "http://a.example/b" }, "0.url"],
    [{ metric: { name: "mAP", percent: 860 } }, "0.metric.percent"],
    [{ licence: "MIT" }, "0.licence"],
    [{ name: ZOO_MODELS[1]!.name }, "names must differ"],
  ])("is checked: %j", (change, message) => {
    const parse = () => parseModels([{ ...ZOO_MODELS[0], ...change }, ZOO_MODELS[1]], "models.json");
    expect(parse).toThrow(ZooError);
    expect(parse).toThrow(message);
  });

  it("suggests names for one that is not there", () => {
    expect(isZooName("tresnet_m.miil_in21k")).toBe(true);
    expect(() => zooModel("tresnet_l_coco")).toThrow(
      '"tresnet_l_coco": no such file, and no model of this name; nearest: asl_tresnet_l_coco_448',
    );
  });
});

describe("settings", () => {
  it("come from the environment", () => {
    const home = settingsFrom({});
    expect(home).toMatchObject({ offline: false, mirror: undefined, huggingFaceEndpoint: undefined });
    expect(home.cacheFolder).toMatch(/asl/);
    expect(
      settingsFrom({
        ASL_CACHE: join("a", "b"),
        HF_HUB_OFFLINE: "1",
        HF_ENDPOINT: "https://hf.example",
        ASL_MIRROR: "",
      }),
    ).toEqual({
      cacheFolder: join("a", "b"),
      offline: true,
      mirror: undefined,
      huggingFaceEndpoint: "https://hf.example",
    });
  });

  it("direct URLs to mirrors", () => {
    const hub = "https://huggingface.co/timm/x/resolve/main/model.safetensors?download=true";
    const other = "https://files.example/a/b.pth";
    const endpoint = { mirror: undefined, huggingFaceEndpoint: "https://hf.example/cache/" };
    expect(mirrored(hub, endpoint)).toBe(
      "https://hf.example/cache/timm/x/resolve/main/model.safetensors?download=true",
    );
    expect(mirrored(other, endpoint)).toBe(other);
    expect(mirrored(other, { ...endpoint, mirror: "http://localhost:8080" })).toBe("http://localhost:8080/a/b.pth");
    expect(() => mirrored(other, { ...endpoint, mirror: "files" })).toThrow(
      'must be an http or https URL; got "files"',
    );
  });
});
