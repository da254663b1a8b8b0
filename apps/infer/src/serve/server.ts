import swagger from "@fastify/swagger";
import { describeError } from "asl-cli";
import { PictureError, type PictureErrorReason } from "asl-data";
import { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from "fastify";
import type { Classifier } from "../classifier.js";
import { selectTags } from "../tags.js";
import { Admission } from "./admission.js";
import { ServerMetrics } from "./metrics.js";
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
  /** Pictures decoded at a time. */
  readonly decoders: number;
  /** A request must have come in whole within so many milliseconds. */
  readonly requestTimeout: number;
  /** Told of what is not the client's fault. */
  readonly onError: (message: string) => void;
}

/** What a client should hear of a picture that cannot be read. */
const PICTURE_STATUS: Readonly<Record<PictureErrorReason, number>> = {
  missing: 500,
  unreadable: 500,
  empty: 400,
  format: 415,
  damaged: 422,
  tooLarge: 413,
};

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
  const { maxDelay, maxPixels, decoders } = options;
  const onBatch = (size: number) => metrics.observeBatch(size);
  const tagger = new Tagger(classifier, { maxDelay, maxPixels, decoders, onBatch });
  const app = fastify({
    bodyLimit: options.maxBytes,
    requestTimeout: options.requestTimeout,
    forceCloseConnections: "idle",
    ajv: { customOptions: { removeAdditional: false } },
  });
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
    const message = `${request.method} ${request.url.slice(0, 200)}: no such address; see /openapi.json`;
    reply.code(404).send({ error: { code: "NOT_FOUND", message } });
  });

  /** Before the body is read. A place is given back when the answer is out and nothing is done for it any more. */
  const admit = (request: FastifyRequest, reply: FastifyReply, done: () => void) => {
    const started = performance.now();
    if (!admission.enter()) {
      metrics.countRequest(503);
      const message = `${admission.limit} requests are under way; try again later`;
      // the rest of this connection is a body that nobody will read
      reply.code(503).headers({ "retry-after": "1", connection: "close" });
      reply.send({ error: { code: "OVERLOADED", message } });
      return;
    }
    reply.raw.once("close", () => {
      metrics.countRequest(reply.raw.writableFinished ? reply.statusCode : CLIENT_CLOSED);
      metrics.observeSeconds((performance.now() - started) / 1000);
      void Promise.allSettled([request.work]).then(() => admission.leave());
    });
    done();
  };

  const errors = Object.fromEntries([400, 413, 415, 422, 500, 503].map((status) => [status, ERROR_ANSWER]));
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
    async (request) => {
      const { threshold, top, scores: withScores } = request.query;
      const work = tagger.scores(request.body ?? new Uint8Array(), "the picture");
      request.work = work;
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
  const { classNames: classes, imageSize, batchSize } = classifier;
  app.get("/v1/model", { schema: { summary: "What is served", response: { 200: MODEL_ANSWER } } }, async () => {
    return { model, classes, thresholds, imageSize, batchSize };
  });
  const health = (summary: string) => ({ schema: { summary, response: { 200: HEALTH_ANSWER, 503: HEALTH_ANSWER } } });
  let stopping = false;
  app.addHook("preClose", async () => {
    stopping = true;
  });
  // a client that went away leaves its picture in work
  app.addHook("onClose", () => admission.whenIdle());
  app.get("/health/live", health("Whether the process answers"), async () => ({ status: "live" }));
  app.get("/health/ready", health("Whether requests are accepted"), async (_request, reply) => {
    const status = stopping ? "stopping" : admission.accepted < admission.limit ? "ready" : "busy";
    return reply.code(status === "ready" ? 200 : 503).send({ status });
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

const ADVICE: Readonly<Record<string, string>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE:
    "send the content of a picture file as image/jpeg, image/png, image/webp or application/octet-stream",
  FST_ERR_CTP_EMPTY_TYPE: "say the type of the body: content-type: image/jpeg",
};

const answerError =
  ({ onError, maxBytes }: ServerOptions) =>
  (error: FastifyError | Error, _request: FastifyRequest, reply: FastifyReply): void => {
    const answer = (status: number, code: string, message: string) => {
      reply.code(status).send({ error: { code, message } });
    };
    if (error instanceof PictureError) {
      const reason = error.reason.replaceAll(/[A-Z]/g, "_$&").toUpperCase();
      answer(PICTURE_STATUS[error.reason], `PICTURE_${reason}`, error.message);
      return;
    }
    const { statusCode = 500, code = "ERROR" } = "statusCode" in error ? error : {};
    if (statusCode === 413) answer(413, "BODY_TOO_LARGE", `the body has more than ${maxBytes} bytes`);
    else if (statusCode < 500) answer(statusCode, code.replace("FST_ERR_", ""), ADVICE[code] ?? error.message);
    else {
      onError(describeError(error));
      answer(500, "INTERNAL", "the picture could not be tagged; the server's log says why");
    }
  };
