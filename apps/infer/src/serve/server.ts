import swagger from "@fastify/swagger";
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from "fastify";
import type { Classifier } from "../classifier.js";
import { selectTags } from "../tags.js";
import { Admission, type Refusal } from "./admission.js";
import { Connections } from "./connections.js";
import { answerClientError, answerError, type ErrorBody, errorBody, queryError } from "./error-answers.js";
import { ServerMetrics } from "./metrics.js";
import { PictureThreads } from "./picture-threads.js";
import { ERROR_ANSWER, HEALTH_ANSWER, MODEL_ANSWER, TAG_ANSWER, TAG_QUERY, type TagQuery } from "./schemas.js";
import { Tagger } from "./tagger.js";

export interface ServerOptions {
  /** What clients are told that the model is called. */
  readonly modelName: string;
  /** In class order. */
  readonly thresholds: readonly number[];
  /** Most requests under way; others get 503. */
  readonly maxQueue: number;
  /** Milliseconds that a picture waits for others to make a batch. */
  readonly maxDelay: number;
  readonly maxBytes: number;
  readonly maxPixels: number;
  /** Threads that decode and resize pictures. */
  readonly decoders: number;
  /** A request must have come in whole within so many milliseconds; while the server stops, an answer read, too. */
  readonly requestTimeout: number;
  /** Told of what is not the client's fault. */
  readonly onError: (message: string) => void;
}

const METHODS = ["GET", "HEAD", "POST"] as const;

/** Milliseconds that a connection stays without a request. */
const KEEP_ALIVE = 5_000;

/** Milliseconds between Node's looks at connections that are too slow: its 30,000 would make of 10 s up to 40. */
const CHECK_INTERVAL = 1_000;

declare module "fastify" {
  interface FastifyRequest {
    /** Of an accepted request: settles when nothing is done for it any more. */
    work: Promise<unknown> | null;
  }
}

/**
 * An HTTP server that tags pictures with a classifier; not listening yet. `close()` answers what was accepted, then ends.
 * POST /v1/tag, GET /v1/model, /health/live, /health/ready, /metrics, /openapi.json.
 */
export async function createServer(classifier: Classifier, options: ServerOptions): Promise<FastifyInstance> {
  const admission = new Admission(options.maxQueue);
  const metrics = new ServerMetrics(admission, classifier.batchSize);
  const { maxDelay, maxPixels, decoders, requestTimeout } = options;
  const app = fastify({
    ...{ bodyLimit: options.maxBytes, requestTimeout, keepAliveTimeout: KEEP_ALIVE },
    // Node swaps the two if headers (by default 60 s) may take longer than the whole
    http: { headersTimeout: requestTimeout, connectionsCheckingInterval: Math.min(CHECK_INTERVAL, requestTimeout) },
    // connections that are not idle: see Connections
    forceCloseConnections: "idle",
    // the admission refuses in the form of all errors
    return503OnClosing: false,
    clientErrorHandler: answerClientError(requestTimeout),
    frameworkErrors: answerError(options),
    ajv: { customOptions: { removeAdditional: false } },
    schemaErrorFormatter: queryError,
  });
  const connections = new Connections(app.server);
  const { imageSize, resizeFilter: filter } = classifier;
  const threads = new PictureThreads({ imageSize, filter, maxPixels, threads: decoders });
  const tagger = new Tagger(classifier, { maxDelay, threads, onBatch: (size) => metrics.observeBatch(size) });
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: { title: "asl-infer", description: `Tags pictures with ${options.modelName}.`, version: "1" },
    },
  });
  app.removeAllContentTypeParsers();
  for (const type of [/^image\//, "application/octet-stream"]) {
    app.addContentTypeParser(type, { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  }
  app.decorateRequest("work", null);
  app.setErrorHandler(answerError(options));
  app.setNotFoundHandler((request, reply) => {
    const url = request.url.split("?")[0]!;
    const allowed = METHODS.filter((method) => app.hasRoute({ method, url }));
    if (allowed.length > 0) {
      const message = `${request.method} ${url}: ask with ${allowed.join(" or ")}; see /openapi.json`;
      reply.code(405).header("allow", allowed.join(", ")).send(errorBody("METHOD_NOT_ALLOWED", message));
      return;
    }
    const message = `${request.method} ${request.url.slice(0, 200)}: no such address; see /openapi.json`;
    reply.code(404).send(errorBody("NOT_FOUND", message));
  });

  /** Before the body is read. A place is given back when the answer is out and nothing is done for it any more. */
  const admit = (request: FastifyRequest, reply: FastifyReply, done: () => void) => {
    const started = performance.now();
    const refusal = admission.enter();
    if (refusal !== undefined) {
      metrics.countRequest(503);
      // the rest of this connection is a body that nobody will read
      reply.code(503).headers({ "retry-after": "1", connection: "close" });
      reply.send(REFUSALS[refusal](admission.limit));
      return;
    }
    reply.raw.once("close", () => {
      metrics.countRequest(reply.raw.writableFinished ? reply.statusCode : CLIENT_CLOSED);
      metrics.observeSeconds((performance.now() - started) / 1000);
      void Promise.allSettled([request.work]).then(() => admission.leave());
    });
    done();
  };

  const errors = Object.fromEntries([400, 408, 413, 415, 422, 431, 500, 503].map((status) => [status, ERROR_ANSWER]));
  app.post<{ Querystring: TagQuery; Body: Buffer | undefined }>(
    "/v1/tag",
    {
      onRequest: admit,
      schema: {
        summary: "Tags of a picture",
        description: "The body is the content of a JPEG, PNG or WebP file.",
        consumes: ["image/jpeg", "image/png", "image/webp", "application/octet-stream"],
        querystring: TAG_QUERY,
        response: { 200: TAG_ANSWER, ...errors },
      },
    },
    async (request, reply) => {
      const { threshold, top, scores: withScores } = request.query;
      const work = tagger.scores(request.body ?? new Uint8Array(), "the picture");
      request.work = work;
      connections.answering(request.raw, reply.raw, work, requestTimeout);
      const scores = await work;
      const { classNames } = classifier;
      const thresholds = threshold === undefined ? options.thresholds : classNames.map(() => threshold);
      return {
        labels: selectTags(classNames, scores, { thresholds, top }),
        ...(withScores ? { scores: Object.fromEntries(classNames.map((name, i) => [name, scores[i]])) } : {}),
      };
    },
  );

  const { modelName: model, thresholds } = options;
  const { classNames: classes, batchSize } = classifier;
  app.get("/v1/model", { schema: { summary: "What is served", response: { 200: MODEL_ANSWER } } }, async () => {
    return { model, classes, thresholds, imageSize, batchSize };
  });
  const health = (summary: string) => ({ schema: { summary, response: { 200: HEALTH_ANSWER, 503: HEALTH_ANSWER } } });
  app.addHook("preClose", async () => {
    admission.stop();
    connections.drain(requestTimeout);
  });
  app.addHook("onSend", async (_request, reply) => {
    if (admission.refusal === "stopping") reply.header("connection", "close");
  });
  app.addHook("onClose", async () => {
    // a client that went away leaves its picture in work
    await admission.whenIdle();
    await threads[Symbol.asyncDispose]();
  });
  app.get("/health/live", health("Whether the process answers"), async () => ({ status: "live" }));
  app.get("/health/ready", health("Whether requests are accepted"), async (_request, reply) => {
    const { refusal } = admission;
    const status = refusal === undefined ? "ready" : refusal === "full" ? "busy" : refusal;
    return reply.code(refusal === undefined ? 200 : 503).send({ status });
  });
  app.get("/metrics", { schema: { hide: true } }, async (_request, reply) => {
    return reply.type(metrics.contentType).send(await metrics.text());
  });
  app.get("/openapi.json", { schema: { hide: true } }, async () => app.swagger());
  await app.ready();
  return app;
}

/** As web servers log a client that went away before its answer. */
const CLIENT_CLOSED = 499;

const REFUSALS: Readonly<Record<Refusal, (limit: number) => ErrorBody>> = {
  full: (limit) => errorBody("OVERLOADED", `${limit} requests are under way; try again later`),
  stopping: () => errorBody("STOPPING", "this server is stopping; ask another, or again later"),
};
