// Tags pictures in a browser. All preprocessing is in the model: it takes decoded pictures of any size.
import * as ort from "onnxruntime-web/wasm";
import { tagsOf } from "./tags.js";

/** Loads model.json and the model, which lie beside this module. */
export async function openTagger(folder = new URL(".", import.meta.url)) {
  const answer = await fetch(new URL("model.json", folder));
  if (!answer.ok) throw new Error(`${answer.url}: ${answer.status} ${answer.statusText}`);
  const { file, labels, thresholds } = await answer.json();
  const session = await ort.InferenceSession.create(new URL(file, folder).href);
  return {
    labels,
    /** image: ImageData. Returns the classes above their thresholds, and the scores of all, in the order of labels. */
    async tag(image) {
      const pictures = new ort.Tensor("uint8", rgb(image.data), [1, image.height, image.width, 3]);
      return tagsOf({ labels, thresholds }, await session.run({ images: pictures }));
    },
  };
}

/** The pixels of a file or of any other picture, upright. */
export async function pixelsOf(source) {
  const bitmap = await createImageBitmap(source, { colorSpaceConversion: "none" });
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, bitmap.width, bitmap.height);
}

/** RGBA -> RGB. */
function rgb(rgba) {
  const bytes = new Uint8Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; to < bytes.length; from += 4, to += 3) {
    bytes[to] = rgba[from];
    bytes[to + 1] = rgba[from + 1];
    bytes[to + 2] = rgba[from + 2];
  }
  return bytes;
}
