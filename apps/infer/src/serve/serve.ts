import { availableParallelism } from "node:os";
import path from "node:path";
import { type CommandContext, EXIT, UsageError } from "asl-cli";
import { f32, sizeOf } from "asl-core";
import sharp from "sharp";
import type { Classifier } from "../classifier.js";
import { createServer } from "./server.js";

export interface ServeOptions {
  readonly model: string;
  readonly thresholds: readonly number[];
  readonly port: number;
  readonly host: string;
  readonly maxQueue: number;
  readonly maxDelay: number;
  readonly maxBytes: number;
  readonly maxPixels: number;
}

/** Milliseconds; slower clients would hold places that others could use. */
const REQUEST_TIMEOUT = 10_000;

/** Serves until Ctrl-C or a request to terminate; then answers what was accepted and ends with 0. */
export async function serve(
  classifier: Classifier,
  { model, port, host, ...limits }: ServeOptions,
  context: CommandContext,
): Promise<number> {
  const { report, signal } = context;
  onlyPhotographs();
  await warmUp(classifier, context);
  const server = await createServer(classifier, {
    ...limits,
    modelName: path.basename(model),
    decoders: availableParallelism(),
    requestTimeout: REQUEST_TIMEOUT,
    onError: (message) => report.error(message),
  });
  try {
    await server.listen({ port, host });
  } catch (error) {
    throw usageErrorOf(error, host, port);
  }
  const { port: bound } = server.server.address() as { readonly port: number };
  const at = `http://${host.includes(":") ? `[${host}]` : host}:${bound}`;
  report.print(`serving ${path.basename(model)} at ${at}`);
  report.note(`try: curl --data-binary @cat.jpg -H 'content-type: image/jpeg' ${at}/v1/tag`);
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  report.note("answering what was accepted");
  await server.close();
  return EXIT.ok;
}

/** Strangers' bytes reach the decoders of JPEG, PNG and WebP only: SVG, PDF and the like can do more than be a picture. */
function onlyPhotographs(): void {
  sharp.block({ operation: ["VipsForeignLoad"] });
  sharp.unblock({ operation: ["VipsForeignLoadJpeg", "VipsForeignLoadPng", "VipsForeignLoadWebp"] });
}

/**
 * The first run of a batch size may take seconds, for which no client should wait: where each has a program of its own
 * they are powers of two; of a network that takes any size these are samples.
 */
async function warmUp(
  { batchSizes, batchSize, imageSize, scores }: Classifier,
  { report, signal }: CommandContext,
): Promise<void> {
  const sizes = batchSizes.filter((rows) => rows === batchSize || Number.isInteger(Math.log2(rows)));
  const progress = report.progress({ label: "warming up", total: sizes.length, unit: "batch sizes" });
  try {
    for (const [index, rows] of sizes.entries()) {
      const shape = [rows, 3, imageSize, imageSize];
      await scores(f32(shape, new Float32Array(sizeOf(shape))), []);
      signal.throwIfAborted();
      progress.update(index + 1);
    }
  } finally {
    progress.stop();
  }
}

function usageErrorOf(error: unknown, host: string, port: number): unknown {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "EADDRINUSE") {
    return new UsageError(`--serve ${port}: the port is taken on ${host}. Name another, or 0 for any free one.`);
  }
  if (code === "EACCES")
    return new UsageError(`--serve ${port}: no permission for this port; those from 1024 on need none`);
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND") {
    return new UsageError(
      `--host ${host}: this machine has no such address (127.0.0.1: only this machine; 0.0.0.0: any)`,
    );
  }
  return error;
}
