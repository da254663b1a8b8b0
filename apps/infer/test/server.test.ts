import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import path from "node:path";
import { text } from "node:stream/consumers";
import type { FastifyInstance } from "fastify";
import sharp from "sharp";
import { afterEach, describe, expect, it, vi } from "vitest";
// built: it starts threads of a JavaScript file beside it
import { createServer, type ServerOptions } from "../dist/serve/server.js";
import type { Classifier } from "../src/classifier.js";
import { FIXTURES, ROOT } from "./run-command.js";

const CLASSES = ["red", "green", "blue"];

/** Scores are the means of the colours. */
function meanColours(gate: () => Promise<void> = async () => undefined): Classifier & { readonly rows: number[] } {
  const rows: number[] = [];
  return {
    rows,
    classNames: CLASSES,
    thresholds: 0.5,
    calibration: undefined,
    imageSize: 20,
    resizeFilter: "bilinear",
    batchSize: 4,
    batchSizes: [1, 2, 4],
    notes: [],
    async scores({ type, data }) {
      rows.push(type.shape[0]!);
      await gate();
      const plane = 400;
      return Array.from({ length: data.length / plane }, (_, index) => {
        const values = data.slice(index * plane, (index + 1) * plane) as Float32Array;
        return values.reduce((sum, value) => sum + value / plane, 0);
      });
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

/** A door that is shut until it is opened. */
function gate(): { readonly passed: () => Promise<void>; readonly open: () => void } {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed: () => opened, open };
}

const open: FastifyInstance[] = [];
afterEach(async () => {
  for (const app of open.splice(0)) await app.close();
});

async function serverOf(classifier: Classifier, change: Partial<ServerOptions> = {}): Promise<FastifyInstance> {
  const app = await createServer(classifier, {
    modelName: "colours.onnx",
    thresholds: [0.5, 0.5, 0.5],
    maxQueue: 8,
    maxDelay: 1,
    maxBytes: 100_000,
    maxPixels: 10_000,
    decoders: 2,
    requestTimeout: 10_000,
    onError: (message) => expect.fail(message),
    ...change,
  });
  open.push(app);
  return app;
}

const plain = (background: string, size = 40) =>
  sharp({ create: { width: size, height: size, channels: 3, background } });
const tag = (app: FastifyInstance, body: Buffer, query = "", type = "image/png") =>
  app.inject({ method: "POST", url: `/v1/tag${query}`, body, headers: { "content-type": type } });

describe("POST /v1/tag", () => {
  it("answers the classes above their thresholds, and all scores on demand", async () => {
    const app = await serverOf(meanColours());
    const yellow = await plain("#ffcc00").png().toBuffer();
    const { statusCode, body } = await tag(app, yellow, "?scores=true");
    expect(statusCode).toBe(200);
    const { labels, scores } = JSON.parse(body);
    expect(labels.map(({ name }: { name: string }) => name)).toEqual(["red", "green"]);
    expect(scores.green).toBeCloseTo(0.8, 5);
    expect(JSON.parse((await tag(app, yellow, "?threshold=0.9")).body).labels).toHaveLength(1);
    expect(JSON.parse((await tag(app, yellow, "?top=1&threshold=0")).body).labels).toHaveLength(1);
  });

  it("runs pictures that come together as one batch, each with its own answer", async () => {
    const classifier = meanColours();
    // only a full batch ends the wait
    const app = await serverOf(classifier, { maxDelay: 60_000 });
    const pictures = await Promise.all(
      ["#ff0000", "#00ff00", "#0000ff", "#ff0000"].map((colour) => plain(colour).png().toBuffer()),
    );
    const answers = await Promise.all(pictures.map((picture) => tag(app, picture)));
    expect(answers.map(({ body }) => JSON.parse(body).labels[0].name)).toEqual([...CLASSES, "red"]);
    expect(classifier.rows).toEqual([4]);
  });

  it("says what is wrong with a picture", async () => {
    const app = await serverOf(meanColours());
    const jpeg = await plain("#fff", 90).jpeg().toBuffer();
    const errorOf = async (body: Buffer, type?: string) => {
      const answer = await tag(app, body, "", type);
      return `${answer.statusCode} ${JSON.parse(answer.body).error.code}`;
    };
    expect(await errorOf(Buffer.from("hello"))).toBe("415 PICTURE_FORMAT");
    expect(await errorOf(jpeg.subarray(0, 300))).toBe("422 PICTURE_DAMAGED");
    expect(await errorOf(Buffer.alloc(0))).toBe("400 PICTURE_EMPTY");
    expect(await errorOf(await plain("#fff", 101).png().toBuffer())).toBe("413 PICTURE_TOO_LARGE");
    expect(await errorOf(Buffer.alloc(100_001))).toBe("413 BODY_TOO_LARGE");
    expect(await errorOf(jpeg, "application/x-www-form-urlencoded")).toBe("415 CTP_INVALID_MEDIA_TYPE");
    expect((await tag(app, jpeg)).statusCode).toBe(200);
  });

  it("turns requests away when too many are under way, and answers all that it accepted", async () => {
    const { passed, open: release } = gate();
    const app = await serverOf(meanColours(passed), { maxQueue: 3 });
    const address = await app.listen({ port: 0, host: "127.0.0.1" });
    const body = await plain("#ff0000").png().toBuffer();
    const ask = () => fetch(`${address}/v1/tag`, { method: "POST", body, headers: { "content-type": "image/png" } });
    const all = Array.from({ length: 10 }, ask);
    const refused = await Promise.race(all);
    expect(refused.status).toBe(503);
    expect(refused.headers.get("retry-after")).toBe("1");
    expect((await fetch(`${address}/health/ready`)).status).toBe(503);
    release();
    const statuses = (await Promise.all(all)).map(({ status }) => status).sort();
    expect(statuses).toEqual([200, 200, 200, 503, 503, 503, 503, 503, 503, 503]);
    expect((await ask()).status).toBe(200);
    const metrics = await (await fetch(`${address}/metrics`)).text();
    expect(metrics).toContain('asl_requests_total{status="200"} 4');
    expect(metrics).toContain('asl_requests_total{status="503"} 7');
  });
});

describe("the other addresses", () => {
  it("describe the model, its health and themselves", async () => {
    const app = await serverOf(meanColours());
    const get = async (url: string) => JSON.parse((await app.inject(url)).body);
    expect(await get("/v1/model")).toEqual({
      model: "colours.onnx",
      classes: CLASSES,
      thresholds: [0.5, 0.5, 0.5],
      imageSize: 20,
      batchSize: 4,
    });
    expect(await get("/health/live")).toEqual({ status: "live" });
    expect(await get("/health/ready")).toEqual({ status: "ready" });
    const { openapi, paths } = await get("/openapi.json");
    expect(openapi).toBe("3.1.0");
    expect(Object.keys(paths)).toEqual(["/v1/tag", "/v1/model", "/health/live", "/health/ready"]);
    expect(Object.keys(paths["/v1/tag"].post.responses)).toEqual([
      "200",
      "400",
      "408",
      "413",
      "415",
      "422",
      "431",
      "500",
      "503",
    ]);
    expect(await get("/nowhere")).toEqual({
      error: { code: "NOT_FOUND", message: "GET /nowhere: no such address; see /openapi.json" },
    });
  });
});

/** A connection on which a test sends what no HTTP client would. */
async function connectionTo(address: string): Promise<Socket> {
  const { hostname, port } = new URL(address);
  const socket = connect(Number(port), hostname);
  await once(socket, "connect");
  return socket;
}

const errorOf = (answer: string) => JSON.parse(answer.slice(answer.indexOf("\r\n\r\n"))).error.code;
/** Threads start slowly on a machine that is busy. */
const until = (holds: () => unknown) => vi.waitFor(holds, { timeout: 60_000 });
const listen = (app: FastifyInstance) => app.listen({ port: 0, host: "127.0.0.1" });
const postPicture = (address: string, body: Buffer<ArrayBuffer>, signal: AbortSignal | null = null) =>
  fetch(`${address}/v1/tag`, { method: "POST", body, headers: { "content-type": "image/png" }, signal });
/** Says that 1,000 bytes follow. */
const HALF_A_REQUEST = "POST /v1/tag HTTP/1.1\r\nhost: a\r\ncontent-type: image/png\r\ncontent-length: 1000\r\n\r\nabc";

describe("clients that are slow, leave or talk nonsense", () => {
  it.each([
    ["nonsense", "HELLO\r\n\r\n", "400", "BAD_REQUEST"],
    ["headers without end", `GET / HTTP/1.1\r\na: ${"a".repeat(20_000)}`, "431", "HEADERS_TOO_LARGE"],
    ["an address that is none", "GET /%zz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", "400", "BAD_URL"],
    ["half a request", HALF_A_REQUEST, "408", "REQUEST_TIMEOUT"],
    ["no request", "", "408", "REQUEST_TIMEOUT"],
  ])("%s: an error in the documented form, and the connection ends", async (_name, sent, status, code) => {
    const app = await serverOf(meanColours(), { requestTimeout: 300 });
    const socket = await connectionTo(await listen(app));
    socket.write(sent);
    const answer = await text(socket);
    expect(answer.slice(9, 12)).toBe(status);
    expect(errorOf(answer)).toBe(code);
    const counted = /asl_accepted_requests (\d+)/.exec((await app.inject("/metrics")).body);
    expect(counted?.[1]).toBe("0");
  });

  it("a client that leaves gives its place back as soon as its picture is out of work", async () => {
    const { passed, open: release } = gate();
    const classifier = meanColours(passed);
    const app = await serverOf(classifier, { maxQueue: 1 });
    const address = await listen(app);
    const body = await plain("#ff0000").png().toBuffer();
    const leaving = new AbortController();
    const left = postPicture(address, body, leaving.signal);
    await until(() => expect(classifier.rows).toHaveLength(1));
    leaving.abort();
    await expect(left).rejects.toThrow("abort");
    expect((await postPicture(address, body)).status).toBe(503);
    release();
    await until(async () => expect((await app.inject("/health/ready")).statusCode).toBe(200));
    expect((await postPicture(address, body)).status).toBe(200);
    expect((await app.inject("/metrics")).body).toContain('asl_requests_total{status="499"} 1');
  });
});

describe("close()", () => {
  it("answers what was accepted, refuses what comes, and says so", async () => {
    const { passed, open: release } = gate();
    const classifier = meanColours(passed);
    const app = await serverOf(classifier);
    const address = await listen(app);
    const [early, late] = [await connectionTo(address), await connectionTo(address)];
    const accepted = postPicture(address, await plain("#ff0000").png().toBuffer());
    await until(() => expect(classifier.rows).toHaveLength(1));
    const closed = app.close();
    early.write("GET /health/ready HTTP/1.1\r\nhost: a\r\n\r\n");
    expect(await text(early)).toMatch(/^HTTP\/1.1 503 [\s\S]*connection: close[\s\S]*\{"status":"stopping"\}$/i);
    late.write(HALF_A_REQUEST);
    const refused = await text(late);
    expect(refused).toMatch(/^HTTP\/1.1 503 /);
    expect(errorOf(refused)).toBe("STOPPING");
    release();
    const answer = await accepted;
    expect(answer.status).toBe(200);
    expect(answer.headers.get("connection")).toBe("close");
    expect((await answer.json()) as object).toMatchObject({ labels: [{ name: "red" }] });
    await closed;
  });

  it("is not held up by half a request or by a connection without one", async () => {
    const app = await serverOf(meanColours(), { requestTimeout: 300 });
    const address = await listen(app);
    const sockets = [await connectionTo(address), await connectionTo(address)];
    for (const socket of sockets) socket.on("error", () => undefined);
    const came = once(app.server, "request");
    sockets[0]!.write(HALF_A_REQUEST);
    await came;
    await app.close();
  });
});

describe("infer --serve", () => {
  it("tags a picture over HTTP as the command line does, and ends with 0 when asked to terminate", async () => {
    const main = path.join(ROOT, "apps/infer/dist/main.js");
    const model = ["--model", path.join(FIXTURES, "checkpoint.pth"), "--image-size", "64"];
    const server = spawn(process.execPath, [main, "--serve", "0", ...model], { stdio: ["ignore", "pipe", "pipe"] });
    try {
      const [line] = (await once(server.stdout, "data")) as [Buffer];
      const [, address] = /^serving checkpoint.pth at (http:\/\/127.0.0.1:\d+)\n$/.exec(line.toString())!;
      const body = await plain("#ff0000").png().toBuffer();
      const headers = { "content-type": "image/png" };
      const asked = { method: "POST", body, headers };
      const answers = [1, 2, 3].map(async () => (await fetch(`${address}/v1/tag?scores=true`, asked)).json());
      const [first, ...others] = (await Promise.all(answers)) as { readonly scores: object }[];
      expect(Object.keys(first!.scores)).toHaveLength(20);
      for (const other of others) expect(other).toEqual(first);
      const svg = { ...asked, body: '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>' };
      expect((await fetch(`${address}/v1/tag`, svg)).status).toBe(415);
      for (const format of ["jpeg", "webp"] as const) {
        const picture = { ...asked, body: await plain("#ff0000").toFormat(format).toBuffer() };
        expect((await fetch(`${address}/v1/tag`, picture)).status).toBe(200);
      }
      const ended = once(server, "exit");
      server.kill("SIGTERM");
      expect(await ended).toEqual([0, null]);
    } finally {
      server.kill("SIGKILL");
    }
  });
});
