import { decodePictureBytes, PictureError, type PictureErrorReason, type ResizeFilter, toTensor } from "asl-data";
import { move } from "piscina";

export interface PictureTask {
  /** A picture file's content. */
  readonly bytes: Uint8Array;
  /** What errors call it. */
  readonly name: string;
  readonly imageSize: number;
  readonly filter: ResizeFilter;
  readonly maxPixels: number;
}

/** A PictureError as data: between threads an error keeps its message only. */
export interface PictureFailure {
  readonly file: string;
  readonly reason: PictureErrorReason;
  readonly message: string;
}

/** What a thread of PictureThreads does: a picture as f32[3,S,S] in [0,1]. */
export default async function preparePicture(task: PictureTask): Promise<Float32Array | PictureFailure> {
  const { bytes, name, imageSize: size, filter, maxPixels } = task;
  try {
    const resize = { width: size, height: size, filter };
    const values = new Float32Array(3 * size * size);
    toTensor(await decodePictureBytes(bytes, name, { maxPixels, resize }), values);
    // to the worker's other end it is the array itself
    return move(values) as Float32Array;
  } catch (thrown) {
    if (!(thrown instanceof PictureError)) throw thrown;
    const { file, reason, message } = thrown;
    return { file, reason, message };
  }
}
