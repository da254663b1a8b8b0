// Tags pictures with ONNX Runtime. All preprocessing is in the model: it takes decoded pictures of any size.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import ort from "onnxruntime-node";
import sharp from "sharp";
import { tagsOf } from "./tags.js";

// ONNX Runtime reports its use to its makers otherwise
process.env.ORT_DISABLE_TELEMETRY ??= "1";

/** Loads model.json and the model, which lie beside this module. */
export async function openTagger(folder = new URL(".", import.meta.url)) {
  const { file, labels, thresholds } = JSON.parse(await readFile(new URL("model.json", folder), "utf8"));
  const session = await ort.InferenceSession.create(fileURLToPath(new URL(file, folder)));
  return {
    labels,
    /** picture: a file's name or content. Returns the classes above their thresholds, and the scores of all. */
    async tag(picture) {
      const decoded = sharp(picture, { ignoreIcc: true }).autoOrient().removeAlpha().toColourspace("srgb").raw();
      const { data, info } = await decoded.toBuffer({ resolveWithObject: true });
      const pictures = new ort.Tensor("uint8", rgb(data, info.channels), [1, info.height, info.width, 3]);
      return tagsOf({ labels, thresholds }, await session.run({ images: pictures }));
    },
  };
}

/** Grey pictures have one channel. */
const rgb = (data, channels) =>
  channels === 3 ? data : Uint8Array.from({ length: data.length * 3 }, (_, index) => data[Math.floor(index / 3)]);
