import { PictureError, type ResizeFilter } from "asl-data";
import { Piscina } from "piscina";
import type { PictureFailure, PictureTask } from "./prepare-picture.js";

export interface PictureThreadsOptions {
  readonly imageSize: number;
  readonly filter: ResizeFilter;
  /** Pictures with more pixels are refused before they are decoded. */
  readonly maxPixels: number;
  /** Pictures decoded at a time, one in each thread, which bounds the memory that they take. */
  readonly threads: number;
}

/**
 * Threads that decode and resize: both are WebAssembly, which would hold up every answer if it ran on the event loop.
 * The first starts at once, the others when there is work for them; they go after a minute without any.
 */
export class PictureThreads implements AsyncDisposable {
  readonly #pool: Piscina<PictureTask, Float32Array | PictureFailure>;

  constructor(private readonly options: PictureThreadsOptions) {
    this.#pool = new Piscina({
      filename: new URL("./prepare-picture.js", import.meta.url).href,
      // Piscina tries require first, and Node 20 dies where a thread is ended while it requires an ES module
      execArgv: ["--no-experimental-require-module"],
      minThreads: 1,
      maxThreads: options.threads,
      idleTimeout: 60_000,
    });
  }

  /** f32[3,S,S] in [0,1] of a picture file's content. Throws PictureError; `name` is what it calls the picture. */
  async prepare(bytes: Uint8Array, name: string): Promise<Float32Array> {
    const { imageSize, filter, maxPixels } = this.options;
    const result = await this.#pool.run({ bytes, name, imageSize, filter, maxPixels });
    if (result instanceof Float32Array) return result;
    throw new PictureError(result.file, result.reason, result.message);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#pool.destroy();
  }
}
