import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type FetchOptions, fetchModel, ZOO_MODELS, ZooError, type ZooModel } from "../src/index.js";
import { proxy, sendFile, serve } from "./loopback.js";

const BYTES = randomBytes(300_000);
const CONTENT = { bytes: BYTES, etag: '"v1"' };
const SHA256 = createHash("sha256").update(BYTES).digest("hex");
const MODEL: ZooModel = { ...ZOO_MODELS[0]!, url: "https://models.example/zoo/model.pth" };

let cache = "";
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), "asl-zoo-"));
  for (const name of ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"]) {
    vi.stubEnv(name, undefined);
  }
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(cache, { recursive: true, force: true });
});

const optionsFor = (origin: string, more: Partial<FetchOptions> = {}): FetchOptions => ({
  settings: { cacheFolder: cache, offline: false, mirror: origin, huggingFaceEndpoint: undefined },
  retryDelay: 1,
  ...more,
});
const folder = () => join(cache, "models", MODEL.name);
const left = () => (existsSync(folder()) ? readdirSync(folder()).sort() : []);

describe("fetchModel", () => {
  it("downloads once, records what it got, then needs no server", async () => {
    const { origin, requests } = await serve((request, response) => sendFile(request, response, CONTENT));
    const progress: [number, number | undefined][] = [];
    const first = await fetchModel(MODEL, optionsFor(origin, { onProgress: (...done) => progress.push(done) }));
    expect(first).toMatchObject({
      url: `${origin}/zoo/model.pth`,
      bytes: BYTES.length,
      sha256: SHA256,
      etag: '"v1"',
      license: "MIT",
      source: MODEL.source,
      cached: false,
    });
    expect(readFileSync(first.file).equals(BYTES)).toBe(true);
    expect(progress.at(-1)).toEqual([BYTES.length, BYTES.length]);
    expect(left()).toEqual(["model.pth", "model.pth.json"]);
    const settings = { ...optionsFor(origin).settings, offline: true };
    expect(await fetchModel(MODEL, { settings })).toEqual({ ...first, cached: true });
    expect(requests).toEqual(["GET /zoo/model.pth"]);
  });

  it("goes on where a broken connection stopped, as often as it breaks", async () => {
    const { origin, requests } = await serve((request, response) => sendFile(request, response, CONTENT, 65_536));
    const { sha256 } = await fetchModel(MODEL, optionsFor(origin));
    expect(sha256).toBe(SHA256);
    expect(requests).toEqual([
      "GET /zoo/model.pth",
      ...[1, 2, 3, 4].map((part) => `GET /zoo/model.pth bytes=${65_536 * part}-`),
    ]);
  });

  it("goes on in another process's stead after an abort", async () => {
    const controller = new AbortController();
    const { origin, requests } = await serve((request, response, number) => {
      sendFile(request, response, CONTENT, number === 1 ? 100_000 : undefined);
    });
    const onNote = (line: string) => {
      if (line.includes("trying again")) controller.abort(new Error("stopped"));
    };
    const stopped = fetchModel(MODEL, optionsFor(origin, { signal: controller.signal, onNote }));
    await expect(stopped).rejects.toThrow("stopped");
    expect(left()).toEqual(["model.pth.partial", "model.pth.partial.json"]);
    expect((await fetchModel(MODEL, optionsFor(origin))).sha256).toBe(SHA256);
    expect(requests.at(-1)).toBe("GET /zoo/model.pth bytes=100000-");
    expect(left()).toEqual(["model.pth", "model.pth.json"]);
  });

  it("begins anew when the file has changed on the server meanwhile", async () => {
    const other = { bytes: randomBytes(200_000), etag: '"v2"' };
    const { origin } = await serve((request, response, number) =>
      number === 1 ? sendFile(request, response, CONTENT, 100_000) : sendFile(request, response, other),
    );
    const notes: string[] = [];
    const { file } = await fetchModel(MODEL, optionsFor(origin, { onNote: (line) => notes.push(line) }));
    expect(readFileSync(file).equals(other.bytes)).toBe(true);
    expect(notes.join("\n")).toContain("has changed on the server");
  });

  it("begins anew with a server that cannot continue, or says nothing to compare", async () => {
    const { origin, requests } = await serve((_, response, number) => {
      response.writeHead(200, { "content-length": BYTES.length });
      if (number > 1) response.end(BYTES);
      else response.write(BYTES.subarray(0, 100_000), () => setTimeout(() => response.destroy(), 20));
    });
    expect((await fetchModel(MODEL, optionsFor(origin))).sha256).toBe(SHA256);
    expect(requests).toEqual(["GET /zoo/model.pth", "GET /zoo/model.pth"]);
  });

  it("follows redirects and checks the hash that the first server announces", async () => {
    const announcing = (sha256: string) =>
      serve((request, response) => {
        if (request.url !== "/zoo/model.pth") sendFile(request, response, CONTENT);
        else response.writeHead(302, { location: "/cdn/blob", "x-linked-etag": `"${sha256}"` }).end();
      });
    const right = await announcing(SHA256);
    expect((await fetchModel(MODEL, optionsFor(right.origin))).sha256).toBe(SHA256);
    rmSync(folder(), { recursive: true });
    const wrong = await announcing("0".repeat(64));
    await expect(fetchModel(MODEL, optionsFor(wrong.origin))).rejects.toThrow(`its SHA-256 is ${SHA256}; expected 000`);
    expect(left()).toEqual([]);
  });

  it("uses the proxy of the environment, unless the host is excepted", async () => {
    const { origin } = await serve((request, response) => sendFile(request, response, CONTENT));
    const through = await proxy();
    vi.stubEnv("HTTP_PROXY", through.origin);
    await fetchModel(MODEL, optionsFor(origin));
    expect(through.requests).toEqual([`CONNECT ${new URL(origin).host}`]);
    rmSync(folder(), { recursive: true });
    vi.stubEnv("NO_PROXY", "127.0.0.1");
    await fetchModel(MODEL, optionsFor(origin));
    expect(through.requests).toHaveLength(1);
  });

  it("two processes at once: one downloads, both have the file", async () => {
    const { origin, requests } = await serve((request, response) => {
      setTimeout(() => sendFile(request, response, CONTENT), 300);
    });
    const script = `
      import { fetchModel } from ${JSON.stringify(new URL("../dist/index.js", import.meta.url).href)};
      const { sha256 } = await fetchModel(JSON.parse(process.argv[1]), { settings: JSON.parse(process.argv[2]) });
      console.log(sha256);`;
    const args = [
      "--input-type=module",
      "-e",
      script,
      JSON.stringify(MODEL),
      JSON.stringify(optionsFor(origin).settings),
    ];
    const run = () => promisify(execFile)(process.execPath, args);
    const results = await Promise.all([run(), run()]);
    expect(results.map(({ stdout }) => stdout.trim())).toEqual([SHA256, SHA256]);
    expect(requests).toHaveLength(1);
  });
});

describe("fetchModel leaves nothing half-written and says why", () => {
  it.each([
    [404, /the server answers 404 Not Found: the file is not there \(any more\); a mirror may have it/],
    [403, /the server answers 403 Forbidden: access is refused/],
  ])("%d: no second attempt", async (status, message) => {
    const { origin, requests } = await serve((_, response) => response.writeHead(status).end("no"));
    await expect(fetchModel(MODEL, optionsFor(origin))).rejects.toThrow(message);
    expect(requests).toHaveLength(1);
    expect(left()).toEqual([]);
  });

  it("503: five attempts", async () => {
    const { origin, requests } = await serve((_, response) => response.writeHead(503).end());
    await expect(fetchModel(MODEL, optionsFor(origin))).rejects.toThrow(
      /could not be downloaded \(the server answers 503 Service Unavailable\), 5 times in a row/,
    );
    expect(requests).toHaveLength(5);
    expect(left()).toEqual([]);
  });

  it("another size or hash than the table's", async () => {
    const { origin } = await serve((request, response) => sendFile(request, response, CONTENT));
    const size = fetchModel({ ...MODEL, bytes: 299_999 }, optionsFor(origin));
    await expect(size).rejects.toThrow("has 300000 bytes; expected 299999");
    const hash = fetchModel({ ...MODEL, sha256: "a".repeat(64) }, optionsFor(origin));
    await expect(hash).rejects.toThrow(ZooError);
    expect(left()).toEqual([]);
  });

  it("fewer bytes than announced, always", async () => {
    const { origin } = await serve((_, response) => {
      response.writeHead(200, { "content-length": 100, etag: '"x"' });
      response.write(BYTES.subarray(0, 0), () => response.destroy());
    });
    await expect(fetchModel(MODEL, optionsFor(origin))).rejects.toThrow("5 times in a row");
    expect(left().filter((name) => !name.includes(".partial"))).toEqual([]);
  });

  it("a full disk", async () => {
    const { origin } = await serve((request, response) => sendFile(request, response, CONTENT));
    const openPartial = async (file: string, flags: string): Promise<FileHandle> => {
      const handle = await open(file, flags);
      handle.writeFile = () => Promise.reject(Object.assign(new Error("write"), { code: "ENOSPC", syscall: "write" }));
      return handle;
    };
    await expect(fetchModel(MODEL, optionsFor(origin, { openPartial }))).rejects.toThrow(
      "the disk is full; nothing of it was left. Free some space or choose another folder (--cache-dir)",
    );
    expect(left()).toEqual([]);
  });

  it("a part of an unknown download is not continued", async () => {
    const { origin, requests } = await serve((request, response) => sendFile(request, response, CONTENT));
    mkdirSync(folder(), { recursive: true });
    writeFileSync(join(folder(), "model.pth.partial"), "garbage");
    writeFileSync(join(folder(), "model.pth.partial.json"), "{");
    expect((await fetchModel(MODEL, optionsFor(origin))).sha256).toBe(SHA256);
    expect(requests).toEqual(["GET /zoo/model.pth"]);
  });

  it("a cached file that was cut is downloaded again", async () => {
    const { origin } = await serve((request, response) => sendFile(request, response, CONTENT));
    const { file } = await fetchModel(MODEL, optionsFor(origin));
    writeFileSync(file, BYTES.subarray(0, 10));
    expect(await fetchModel(MODEL, optionsFor(origin))).toMatchObject({ cached: false, sha256: SHA256 });
  });

  it("offline, without the file in the cache", async () => {
    const settings = { ...optionsFor("http://127.0.0.1:1").settings, offline: true };
    await expect(fetchModel(MODEL, { settings })).rejects.toThrow("not in the cache");
    expect(left()).toEqual([]);
  });
});
