import sharp from "sharp";

/** Longer side in pixels. */
const SIDE = 160;

/** A picture as a small JPEG in a data: URI, or null when it cannot be read. */
export async function thumbnail(file: string): Promise<string | null> {
  try {
    const small = sharp(file).autoOrient().resize(SIDE, SIDE, { fit: "inside" });
    const bytes = await small.flatten({ background: "#ffffff" }).jpeg({ quality: 72 }).toBuffer();
    return `data:image/jpeg;base64,${bytes.toString("base64")}`;
  } catch {
    return null; // a report without one of its pictures is better than none
  }
}
