import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { fromBase64, InputError } from "asl-core";
import { fixturesFolder } from "../load.js";
import { type Measured, NOTHING } from "../outcome.js";
import type { PartCase } from "./part.js";
import { type PatternKind, type Picture, pattern } from "./picture.js";

export type ResizeFilter = "bicubic" | "bilinear";

export interface Drawing {
  readonly interpolation: "nearest" | "bilinear";
  /** Of pixels that show what lies outside; default black. */
  readonly fill?: readonly [number, number, number];
}

/** The operations of RandAugment (Cubuk et al. 2020, section 3). */
export type AugmentOperation =
  | "identity"
  | "autocontrast"
  | "equalize"
  | "rotate"
  | "solarize"
  | "color"
  | "posterize"
  | "contrast"
  | "brightness"
  | "sharpness"
  | "shearX"
  | "shearY"
  | "translateX"
  | "translateY";

/** What preprocessing is held to; asl-data's functions of these names are one implementation. Pictures as Pillow's. */
export interface Preprocessing {
  /** A JPEG, PNG or WebP file; upright as Exif says, colour profiles not applied, alpha dropped. */
  decodePictureBytes(bytes: Uint8Array, name: string): Picture | Promise<Picture>;
  /** Antialiased, to exactly that size. */
  resize(picture: Picture, width: number, height: number, filter: ResizeFilter): Picture | Promise<Picture>;
  /** value / 255 as f32[3, height, width] into `target`. */
  toTensor(picture: Picture, target: Float32Array): void;
  /** An operation of RandAugment at `magnitude` of 30. */
  applyOperation(
    picture: Picture,
    operation: AugmentOperation,
    magnitude: number,
    sign: -1 | 1,
    drawing: Drawing,
  ): Picture | Promise<Picture>;
  /** The output pixel (x, y) shows the input at (a x + b y + c, d x + e y + f), centres at + 1/2. */
  transformAffine(picture: Picture, matrix: AffineMatrix, drawing: Drawing): Picture | Promise<Picture>;
  /** Degrees counterclockwise around the centre, at the picture's size. */
  rotate(picture: Picture, degrees: number, drawing: Drawing): Picture | Promise<Picture>;
}

export type AffineMatrix = readonly [number, number, number, number, number, number];
type Size = readonly [number, number];

interface Expected {
  /** Of the RGB bytes, or of the tensor's. */
  readonly sha256: string;
}

interface Files {
  readonly decode: {
    readonly cases: readonly (Expected & { readonly name: string; readonly size: Size; readonly file: string })[];
  };
  readonly resize: {
    readonly cases: readonly (Expected & {
      readonly pattern: PatternKind;
      readonly seed: number;
      readonly source: Size;
      readonly target: Size;
      readonly filter: ResizeFilter;
    })[];
  };
  readonly tensor: {
    readonly cases: readonly (Expected & {
      readonly pattern: PatternKind;
      readonly seed: number;
      readonly size: Size;
    })[];
  };
  readonly augment: {
    readonly operations: readonly (Augmented & {
      readonly operation: AugmentOperation;
      readonly magnitude: number;
      readonly sign: -1 | 1;
    })[];
    readonly affine: readonly (Augmented & { readonly matrix: AffineMatrix; readonly fill: Drawing["fill"] | null })[];
    readonly rotations: readonly (Augmented & { readonly degrees: number })[];
  };
}

interface Augmented extends Expected {
  readonly pattern: PatternKind;
  readonly size: Size;
  readonly interpolation: Drawing["interpolation"];
}

type Case = PartCase<Preprocessing>;

/** The cases of fixtures/preprocess: no byte may differ from Pillow's. */
export function preprocessingCases(folder = fixturesFolder()): readonly Case[] {
  const read = <N extends keyof Files>(name: N): Files[N] => {
    const file = path.join(folder, "preprocess", `${name}.json`);
    const json = JSON.parse(readFileSync(file, "utf8")) as Files[N] & { format?: unknown; version?: unknown };
    if (json.format !== "asl-preprocess-fixtures" || json.version !== 1) {
      throw new InputError(
        `${file}: expected asl-preprocess-fixtures of version 1; found ${json.format} ${json.version}`,
      );
    }
    return json;
  };
  return [
    ...read("decode").cases.map(decodeCase),
    ...read("resize").cases.map(resizeCase),
    ...read("tensor").cases.map(tensorCase),
    ...augmentCases(read("augment")),
  ];
}

const decodeCase = ({ name, size, file, sha256 }: Files["decode"]["cases"][number]): Case => ({
  name: `preprocess/decode/${name}`,
  subject: "decode",
  kind: "edge",
  tier: "exact",
  calls: "decodePictureBytes",
  async measure({ decodePictureBytes }) {
    return sameBytes([[name, await decodePictureBytes(fromBase64(file), name), size, sha256]]);
  },
});

const resizeCase = ({
  pattern: kind,
  seed,
  source,
  target,
  filter,
  sha256,
}: Files["resize"]["cases"][number]): Case => ({
  name: `preprocess/resize/${kind}-${source.join("x")}-${target.join("x")}-${filter}`,
  subject: "resize",
  kind: kind === "noise" ? "random" : "edge",
  tier: "exact",
  calls: "resize",
  async measure({ resize }) {
    const resized = await resize(pattern(kind, source, seed), target[0], target[1], filter);
    return sameBytes([[filter, resized, target, sha256]]);
  },
});

const tensorCase = ({ pattern: kind, seed, size, sha256 }: Files["tensor"]["cases"][number]): Case => ({
  name: `preprocess/tensor/${kind}-${size.join("x")}`,
  subject: "tensor",
  kind: kind === "noise" ? "random" : "edge",
  tier: "exact",
  calls: "toTensor",
  async measure({ toTensor }) {
    const target = new Float32Array(3 * size[0] * size[1]);
    toTensor(pattern(kind, size, seed), target);
    const found = hashOf(new Uint8Array(target.buffer));
    const outcome = { ...NOTHING, elements: target.length };
    return found === sha256 ? outcome : { ...outcome, error: `the tensor has SHA-256 ${found}; expected ${sha256}` };
  },
});

/** One case for each operation, over all pictures and settings. */
function augmentCases({ operations, affine, rotations }: Files["augment"]): readonly Case[] {
  const names = [...new Set(operations.map(({ operation }) => operation))];
  const drawn = async <T extends Augmented>(
    all: readonly T[],
    settings: (each: T) => string,
    result: (picture: Picture, each: T) => Picture | Promise<Picture>,
  ) => {
    const results: Result[] = [];
    for (const each of all) {
      const title = `${each.pattern} ${each.size.join("x")}, ${settings(each)}, ${each.interpolation}`;
      results.push([title, await result(pattern(each.pattern, each.size, 1), each), each.size, each.sha256]);
    }
    return sameBytes(results);
  };
  const common = { subject: "augment", kind: "edge", tier: "exact" } as const;
  return [
    ...names.map((name): Case => {
      const own = operations.filter(({ operation }) => operation === name);
      return {
        ...common,
        name: `preprocess/augment/${name}`,
        calls: "applyOperation",
        measure: ({ applyOperation }) =>
          drawn(
            own,
            ({ magnitude, sign }) => `magnitude ${sign * magnitude}`,
            (picture, { magnitude, sign, interpolation }) =>
              applyOperation(picture, name, magnitude, sign, { interpolation, fill: [128, 128, 128] }),
          ),
      };
    }),
    {
      ...common,
      name: "preprocess/augment/affine-maps",
      calls: "transformAffine",
      measure: ({ transformAffine }) =>
        drawn(
          affine,
          ({ matrix }) => `[${matrix.join(", ")}]`,
          (picture, { matrix, fill, interpolation }) =>
            transformAffine(picture, matrix, { interpolation, ...(fill ? { fill } : {}) }),
        ),
    },
    {
      ...common,
      name: "preprocess/augment/rotations",
      calls: "rotate",
      measure: ({ rotate }) =>
        drawn(
          rotations,
          ({ degrees }) => `${degrees} degrees`,
          (picture, { degrees, interpolation }) => rotate(picture, degrees, { interpolation }),
        ),
    },
  ];
}

/** What it is, the picture, and the size and SHA-256 that it must have. */
type Result = readonly [title: string, picture: Picture, size: Size, sha256: string];

/** A hash says that bytes differ, not which; so the first picture that differs is named. */
function sameBytes(results: readonly Result[]): Omit<Measured, "tier"> {
  const outcome = { ...NOTHING, elements: results.reduce((sum, [, { data }]) => sum + data.length, 0) };
  const wrong = results.filter(([, { width, height, data }, size, sha256]) => {
    return width !== size[0] || height !== size[1] || hashOf(data) !== sha256;
  });
  const [first] = wrong;
  if (first === undefined) return outcome;
  const [title, { width, height, data }, size, sha256] = first;
  const share = results.length === 1 ? title : `${wrong.length} of ${results.length} pictures differ, first ${title}`;
  const found = `${width} x ${height} with SHA-256 ${hashOf(data)}`;
  return { ...outcome, error: `${share}: expected ${size.join(" x ")} with SHA-256 ${sha256}; got ${found}` };
}

const hashOf = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
