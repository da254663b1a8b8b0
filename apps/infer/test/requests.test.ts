import type { FastifyInstance } from "fastify";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
// built: it starts threads of a JavaScript file beside it
import { createServer } from "../dist/serve/server.js";

let app: FastifyInstance;
beforeAll(async () => {
  app = await createServer(
    {
      ...{ classNames: ["any"], thresholds: 0.5, calibration: undefined, imageSize: 20, resizeFilter: "bilinear" },
      ...{ batchSize: 1, batchSizes: [1], notes: [] },
      scores: () => expect.fail("nothing is scored"),
      [Symbol.asyncDispose]: async () => undefined,
    },
    {
      ...{ modelName: "any.onnx", thresholds: [0.5], maxQueue: 8, maxDelay: 1, maxBytes: 1000, maxPixels: 1000 },
      ...{ decoders: 1, requestTimeout: 10_000, onError: (message) => expect.fail(message) },
    },
  );
});
afterAll(() => app.close());

describe("a request that asks wrongly hears which part, and what is expected", () => {
  it.each([
    ["top=2&tpo=1", 'unknown parameter "tpo"; there are threshold, top, scores'],
    ["top=0", "top must be >= 1"],
    ["threshold=2", "threshold must be <= 1"],
    ["threshold=much", "threshold must be number"],
    ["threshold=0.1&threshold=0.2", "threshold must be number"],
  ])("?%s", async (query, message) => {
    const answer = await app.inject({
      method: "POST",
      url: `/v1/tag?${query}`,
      headers: { "content-type": "image/png" },
    });
    expect([answer.statusCode, answer.json()]).toEqual([400, { error: { code: "VALIDATION", message } }]);
  });

  it.each([
    ["GET", "/v1/tag?top=1", "POST", "GET /v1/tag: ask with POST; see /openapi.json"],
    ["DELETE", "/v1/model", "GET, HEAD", "DELETE /v1/model: ask with GET or HEAD; see /openapi.json"],
  ] as const)("%s %s", async (method, url, allow, message) => {
    const answer = await app.inject({ method, url });
    expect([answer.statusCode, answer.headers.allow]).toEqual([405, allow]);
    expect(answer.json()).toEqual({ error: { code: "METHOD_NOT_ALLOWED", message } });
  });
});
