import type { Picture } from "../parts/picture.js";
import type { AffineMatrix, AugmentOperation, Drawing, Preprocessing } from "../parts/preprocessing.js";
import type { PartMutant } from "./part-mutant.js";

// A codec, or all of Pillow's operations, are too much to write twice: these make an implementation that is right go
// wrong, in what it is given or in what it gives.

type Decoder = Pick<Preprocessing, "decodePictureBytes">;
type Augmentation = Pick<Preprocessing, "applyOperation" | "transformAffine" | "rotate">;

/** What `applyOperation` is called with. */
interface Call {
  readonly operation: AugmentOperation;
  readonly magnitude: number;
  readonly sign: -1 | 1;
  readonly drawing: Drawing;
}

const mapped = ({ data, ...size }: Picture, level: (level: number, i: number, all: Uint8Array) => number): Picture => ({
  ...size,
  data: data.map(level),
});

/** Wrong decoders. */
function decoders({ decodePictureBytes }: Decoder): readonly PartMutant<Preprocessing>[] {
  const wrong = (
    name: string,
    mistake: string,
    after: (picture: Picture) => Picture,
    before: (bytes: Uint8Array) => Uint8Array = (bytes) => bytes,
  ): PartMutant<Preprocessing> => ({
    name: `decode: ${name}`,
    mistake,
    implementation: {
      decodePictureBytes: async (bytes, file) => after(await decodePictureBytes(before(bytes), file)),
    },
  });
  const same = (picture: Picture) => picture;
  return [
    wrong("BGR", "blue first", (picture) => mapped(picture, (_, i, all) => all[i - (i % 3) + 2 - (i % 3)]!)),
    wrong("lowest bit lost", "levels of 7 bits", (picture) => mapped(picture, (level) => level & 254)),
    wrong("one too bright", "each level but 255 is one more", (picture) =>
      mapped(picture, (level) => Math.min(255, level + 1)),
    ),
    wrong("negative", "255 - level", (picture) => mapped(picture, (level) => 255 - level)),
    wrong("rows from below", "the last row first", ({ width, height, data }) => ({
      width,
      height,
      data: data.map((_, i) => data[(height - 1 - Math.floor(i / (3 * width))) * 3 * width + (i % (3 * width))]!),
    })),
    wrong("sides swapped", "width for height", ({ width, height, data }) => ({ width: height, height: width, data })),
    wrong("as it was stored", "what Exif says of the orientation is not read", same, withoutExif),
  ];
}

/** The Exif segment of a JPEG under a name that nobody knows. */
function withoutExif(bytes: Uint8Array): Uint8Array {
  const name = [0x45, 0x78, 0x69, 0x66, 0, 0];
  const at = bytes.findIndex((_, i) => name.every((byte, k) => bytes[i + k] === byte));
  return at === -1 ? bytes : bytes.map((byte, i) => (i === at ? 0x58 : byte));
}

/** Wrong augmentation. */
function augmentations(right: Augmentation): readonly PartMutant<Preprocessing>[] {
  const called = (name: string, mistake: string, change: (call: Call) => Partial<Call>): PartMutant<Preprocessing> => ({
    name: `augment: ${name}`,
    mistake,
    implementation: {
      applyOperation(picture, ...asked) {
        const call: Call = { operation: asked[0], magnitude: asked[1], sign: asked[2], drawing: asked[3] };
        const { operation, magnitude, sign, drawing } = { ...call, ...change(call) };
        return right.applyOperation(picture, operation, magnitude, sign, drawing);
      },
    },
  });
  const instead = (from: AugmentOperation, to: AugmentOperation) =>
    called(`${to} for ${from}`, "another operation", ({ operation }) => ({
      operation: operation === from ? to : operation,
    }));
  const mapping = (name: string, mistake: string, change: (matrix: AffineMatrix) => AffineMatrix) => ({
    name: `affine: ${name}`,
    mistake,
    implementation: {
      transformAffine: (picture: Picture, matrix: AffineMatrix, drawing: Drawing) =>
        right.transformAffine(picture, change(matrix), drawing),
    },
  });
  const turning = (name: string, mistake: string, change: (degrees: number) => number) => ({
    name: `rotate: ${name}`,
    mistake,
    implementation: {
      rotate: (picture: Picture, degrees: number, drawing: Drawing) => right.rotate(picture, change(degrees), drawing),
    },
  });
  return [
    called("magnitude of 31", "M / 31 for M / 30", ({ magnitude }) => ({ magnitude: (magnitude * 30) / 31 })),
    called("one way only", "the sign is not read", () => ({ sign: 1 })),
    called("the other way", "the sign turned round", ({ sign }) => ({ sign: sign === 1 ? -1 : 1 })),
    called("black outside", "the fill colour is not read", ({ drawing: { interpolation } }) => ({
      drawing: { interpolation },
    })),
    called("nearest only", "bilinear interpolation is not there", ({ drawing }) => ({
      drawing: { ...drawing, interpolation: "nearest" },
    })),
    instead("identity", "autocontrast"),
    instead("autocontrast", "equalize"),
    instead("equalize", "autocontrast"),
    instead("color", "contrast"),
    instead("contrast", "brightness"),
    instead("posterize", "solarize"),
    instead("shearX", "shearY"),
    instead("translateY", "translateX"),
    mapping("corners", "centres at whole numbers, half a pixel off", ([a, b, c, d, e, f]) => [
      ...([a, b, c + (a + b - 1) / 2] as const),
      ...([d, e, f + (d + e - 1) / 2] as const),
    ]),
    mapping("transposed", "b for d", ([a, b, c, d, e, f]) => [a, d, c, b, e, f]),
    mapping("whole pixels", "translations are rounded down", ([a, b, c, d, e, f]) => [
      ...([a, b, Math.floor(c)] as const),
      ...([d, e, Math.floor(f)] as const),
    ]),
    turning("clockwise", "the angle turned round", (degrees) => -degrees),
    turning("whole degrees", "the angle is rounded", Math.round),
  ];
}

/** Wrong versions of what decodes and augments as `right` does. */
export const pictureMutants = (right: Decoder & Augmentation): readonly PartMutant<Preprocessing>[] => [
  ...decoders(right),
  ...augmentations(right),
];
