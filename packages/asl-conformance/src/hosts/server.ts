import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { WebSocketServer } from "ws";
import { type BinarySocket, type Channel, webSocketChannel } from "../remote/index.js";
import type { Bundle } from "./bundle.js";

/** A guest that is about to connect. */
export interface Invitation {
  /** A page that runs the bundle. */
  readonly page: string;
  /** Where the bundle connects to; a bundle that is not run by the page finds it in the global ASL_HOST. */
  readonly address: string;
  /** Resolves when the guest has connected. */
  readonly channel: Promise<Channel>;
}

interface Expected {
  readonly bundle: Bundle;
  readonly connect: (channel: Channel) => void;
}

/** Serves bundles to guests on this machine and takes their connections. Each has a secret path of its own. */
export class GuestServer implements AsyncDisposable {
  readonly #expected = new Map<string, Expected>();
  readonly #http = createServer((request, response) => void this.#respond(request, response));
  readonly #sockets = new WebSocketServer({ noServer: true, maxPayload: MOST_BYTES, perMessageDeflate: false });

  private constructor() {
    this.#http.on("upgrade", (request, socket, head) => {
      const expected = this.#expectedBy(request);
      if (expected === undefined) {
        socket.destroy();
        return;
      }
      this.#sockets.handleUpgrade(request, socket, head, (connection) => {
        expected.connect(webSocketChannel(connection as unknown as BinarySocket));
      });
    });
  }

  static async start(): Promise<GuestServer> {
    const server = new GuestServer();
    await new Promise<void>((resolve, reject) => {
      server.#http.once("error", reject);
      server.#http.listen(0, "127.0.0.1", resolve);
    });
    return server;
  }

  invite(bundle: Bundle): Invitation {
    const secret = randomBytes(16).toString("hex");
    const channel = new Promise<Channel>((resolve) => this.#expected.set(secret, { bundle, connect: resolve }));
    const { port } = this.#http.address() as AddressInfo;
    const host = `127.0.0.1:${port}/${secret}`;
    return { page: `http://${host}/`, address: `ws://${host}/`, channel };
  }

  #expectedBy({ url = "" }: IncomingMessage): Expected | undefined {
    return this.#expected.get(url.split("/")[1] ?? "");
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const expected = this.#expectedBy(request);
    const file = path.posix.basename(new URL(request.url ?? "", "http://host").pathname);
    const found = expected === undefined ? undefined : await contents(expected.bundle, request, file);
    response.writeHead(found === undefined ? 404 : 200, {
      "content-type": CONTENT_TYPES[path.extname(file)] ?? "text/html; charset=utf-8",
      // cross-origin isolation: without it there is no SharedArrayBuffer, hence no WebAssembly threads
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-embedder-policy": "require-corp",
      "cross-origin-resource-policy": "same-origin",
    });
    response.end(found);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#sockets.clients) connection.terminate();
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }
}

/** State and feeds of a large network in one message. */
const MOST_BYTES = 2 ** 31 - 1;

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};

const BUNDLE = "guest.js";

/** The page, the bundle, or a file that lies beside one of the bundle's modules. */
async function contents(
  { code, folders }: Bundle,
  { url = "" }: IncomingMessage,
  file: string,
): Promise<string | Buffer | undefined> {
  if (url.endsWith("/")) return PAGE;
  if (file === BUNDLE) return code;
  for (const folder of folders) {
    const found = await readFile(path.join(folder, file)).catch(() => undefined);
    if (found !== undefined) return found;
  }
  return undefined;
}

const PAGE = `<!doctype html>
<meta charset="utf-8">
<title>asl-conformance</title>
<link rel="icon" href="data:,">
<script>globalThis.ASL_HOST = location.href.replace(/^http/, "ws");</script>
<script type="module" src="${BUNDLE}"></script>
`;
