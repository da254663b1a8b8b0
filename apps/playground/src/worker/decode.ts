import type { Picture } from "asl-data/picture";

/** A picture needs four bytes per pixel twice; beyond this a telephone's browser ends the page. */
const MAX_PIXELS = 64_000_000;

/**
 * The pixels of a picture as the browser decodes them: EXIF orientation applied, colour profiles ignored, alpha
 * dropped. Throws an Error in words for what is no picture.
 */
export async function decode(source: Blob | ImageBitmap): Promise<Picture> {
  const bitmap = source instanceof Blob ? await decodeBlob(source) : source;
  try {
    const { width, height } = bitmap;
    if (width * height > MAX_PIXELS) {
      throw new Error(`the picture has ${width} × ${height} pixels; at most ${MAX_PIXELS / 1e6} million are read`);
    }
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    if (context === null) throw new Error("the browser gave no canvas to read the picture with");
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, width, height);
    const rgb = new Uint8Array(width * height * 3);
    for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
      rgb[to] = data[from]!;
      rgb[to + 1] = data[from + 1]!;
      rgb[to + 2] = data[from + 2]!;
    }
    return { width, height, data: rgb };
  } finally {
    bitmap.close();
  }
}

async function decodeBlob(blob: Blob): Promise<ImageBitmap> {
  if (blob.size === 0) throw new Error("the file is empty (0 bytes)");
  try {
    return await createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  } catch (error) {
    const type = blob.type === "" ? "of unknown type" : blob.type;
    throw new Error(`this is no picture that the browser can decode (${type}); JPEG, PNG, WebP and GIF work`, {
      cause: error,
    });
  }
}
