import type { Metadata } from "sharp";
import { messageOf, PictureError, systemCodeOf } from "./errors.js";
import { decodeJpeg, decodeJpegInPlace } from "./jpeg/decode.js";
import type { Picture } from "./picture.js";
import { copyPixels, recyclePixels } from "./pixel-pool.js";
import { pictureFiles } from "./read-file.js";
import { type ResizeFilter, resize } from "./resize.js";

export interface DecodeOptions {
  /** Pictures with more pixels are refused before any memory is taken; default 178,956,970 as in Pillow. */
  readonly maxPixels?: number;
  /** Resized to exactly this, as `resize` does; cheaper than that afterwards. */
  readonly resize?: { readonly width: number; readonly height: number; readonly filter: ResizeFilter };
}

const DEFAULT_MAX_PIXELS = 178_956_970;

/**
 * Reads and decodes a JPEG, PNG or WebP file (also what else sharp reads: GIF, TIFF, AVIF; an animation gives its
 * first frame). The EXIF orientation is applied; then as Pillow's `convert("RGB")`: grey is repeated, alpha is dropped
 * without compositing, CMYK goes through (255 - C)(255 - K) / 255, colour profiles are ignored. Of 16-bit samples the
 * high byte is kept. Throws PictureError.
 */
export async function decodePicture(file: string, options: DecodeOptions = {}): Promise<Picture> {
  let bytes: Uint8Array;
  try {
    bytes = await pictureFiles.read(file);
  } catch (thrown) {
    throw unreadable(file, thrown);
  }
  return decodePictureBytes(bytes, file, options);
}

/** The same for a file's content in memory; `name` is what errors call it. Throws PictureError. */
export async function decodePictureBytes(
  bytes: Uint8Array,
  name: string,
  options: DecodeOptions = {},
): Promise<Picture> {
  const maxPixels = options.maxPixels ?? DEFAULT_MAX_PIXELS;
  if (bytes.length === 0) {
    throw new PictureError(name, "empty", `${name}: the file is empty (0 bytes). Copy or download it again.`);
  }
  if (options.resize === undefined) {
    return decodeJpeg(bytes, maxPixels) ?? decodeWithSharp(bytes, name, maxPixels);
  }
  const { width, height, filter } = options.resize;
  const own = decodeJpegInPlace(bytes, maxPixels);
  if (own !== undefined) {
    const resized = resize(own, width, height, filter);
    return resized.data === own.data ? { ...own, data: copyPixels(own.data) } : resized;
  }
  const picture = await decodeWithSharp(bytes, name, maxPixels);
  const resized = resize(picture, width, height, filter);
  if (resized.data !== picture.data) recyclePixels(picture.data);
  return resized;
}

/** Whatever sharp reads; it also says what is wrong with a damaged file. Loaded when needed: most pictures are not. */
export async function decodeWithSharp(bytes: Uint8Array, name: string, maxPixels: number): Promise<Picture> {
  const { default: sharp } = await import("sharp");
  // "error": a truncated file or damaged pixels are an error; a harmless oddity (extra bytes, bad EXIF) is not.
  const source = { failOn: "error", limitInputPixels: false, ignoreIcc: true } as const;

  let metadata: Metadata;
  try {
    metadata = await sharp(bytes, source).metadata();
  } catch (thrown) {
    throw undecodable(name, bytes, thrown);
  }
  const { width, height } = metadata;
  if (width * height > maxPixels) {
    throw new PictureError(
      name,
      "tooLarge",
      `${name}: ${width} x ${height} = ${width * height} pixels, but the limit is ${maxPixels}. ` +
        "Make the picture smaller, or raise the limit (maxPixels) if you trust it.",
    );
  }

  try {
    const image = sharp(bytes, source).autoOrient();
    if (metadata.space === "cmyk") {
      const raw = image.pipelineColourspace("cmyk").toColourspace("cmyk").raw({ depth: "uchar" });
      const { data, info } = await raw.toBuffer({ resolveWithObject: true });
      return { width: info.width, height: info.height, data: fromCmyk(data, info.channels) };
    }
    const raw = image.toColourspace("srgb").removeAlpha().raw({ depth: "uchar" });
    const { data, info } = await raw.toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, data: toRgb(data, info.channels) };
  } catch (thrown) {
    throw undecodable(name, bytes, thrown);
  }
}

function toRgb(data: Uint8Array, channels: number): Uint8Array {
  if (channels === 3) return new Uint8Array(data.buffer, data.byteOffset, data.length);
  const rgb = new Uint8Array((data.length / channels) * 3);
  for (let from = 0, to = 0; to < rgb.length; from += channels, to += 3) {
    rgb[to] = data[from]!;
    rgb[to + 1] = data[channels > 2 ? from + 1 : from]!;
    rgb[to + 2] = data[channels > 2 ? from + 2 : from]!;
  }
  return rgb;
}

/** R = (255 - K) - round(C (255 - K) / 255), and so on; C = 255 means full ink. */
function fromCmyk(data: Uint8Array, channels: number): Uint8Array {
  const rgb = new Uint8Array((data.length / channels) * 3);
  for (let from = 0, to = 0; to < rgb.length; from += channels, to += 3) {
    const light = 255 - data[from + 3]!;
    for (let ink = 0; ink < 3; ink++) rgb[to + ink] = light - Math.round((data[from + ink]! * light) / 255);
  }
  return rgb;
}

function unreadable(file: string, thrown: unknown): PictureError {
  const code = systemCodeOf(thrown);
  if (code === "ENOENT") {
    return new PictureError(file, "missing", `${file}: no such file. Check the path.`, { cause: thrown });
  }
  if (code === "EISDIR") {
    return new PictureError(file, "unreadable", `${file}: this is a folder, not a picture. Name a file in it.`, {
      cause: thrown,
    });
  }
  const hint = code === "EACCES" || code === "EPERM" ? " Change its permissions." : "";
  return new PictureError(file, "unreadable", `${file}: cannot be read: ${messageOf(thrown)}.${hint}`, {
    cause: thrown,
  });
}

function undecodable(name: string, bytes: Uint8Array, thrown: unknown): PictureError {
  const kind = signatureOf(bytes);
  const detail = messageOf(thrown)
    .trim()
    .replaceAll(/\s*\n\s*/g, "; ");
  if (kind === undefined) {
    const start = Buffer.from(bytes.subarray(0, 12))
      .toString("latin1")
      .replaceAll(/[^\x20-\x7e]/g, ".");
    return new PictureError(
      name,
      "format",
      `${name}: not a picture that can be read (it starts with "${start}"). ` +
        "Expected the content of a JPEG, PNG or WebP file; the file name's ending does not matter.",
      { cause: thrown },
    );
  }
  return new PictureError(
    name,
    "damaged",
    `${name}: this ${kind} file is damaged or cut off after ${bytes.length} bytes (${detail}). Copy or download it again.`,
    { cause: thrown },
  );
}

/** What a file's first bytes claim it to be. */
function signatureOf(bytes: Uint8Array): "JPEG" | "PNG" | "WebP" | "GIF" | "TIFF" | undefined {
  const start = Buffer.from(bytes.subarray(0, 12)).toString("latin1");
  if (start.startsWith("\xff\xd8")) return "JPEG";
  if (start.startsWith("\x89PNG")) return "PNG";
  if (start.startsWith("RIFF") && start.slice(8) === "WEBP") return "WebP";
  if (start.startsWith("GIF8")) return "GIF";
  if (start.startsWith("II*\0") || start.startsWith("MM\0*")) return "TIFF";
  return undefined;
}
