import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { onTestFinished } from "vitest";

export interface Loopback {
  readonly origin: string;
  /** "GET /path bytes=5-" of every request. */
  readonly requests: string[];
}

/** A server on 127.0.0.1 for the time of a test; nothing else is ever contacted. */
export async function serve(
  answer: (request: IncomingMessage, response: ServerResponse, number: number) => void,
): Promise<Loopback> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push([request.method, request.url, request.headers.range].filter(Boolean).join(" "));
    answer(request, response, requests.length);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

/** A proxy that connects to any port of this machine, and notes to which. */
export async function proxy(): Promise<Loopback> {
  const requests: string[] = [];
  const server = createServer();
  server.on("connect", (request: IncomingMessage, socket) => {
    requests.push(`CONNECT ${request.url}`);
    const upstream = connect(Number(request.url!.split(":")[1]), "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
      upstream.pipe(socket).pipe(upstream);
    });
    for (const each of [upstream, socket]) each.on("error", () => each.destroy());
    onTestFinished(() => void upstream.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

export interface Content {
  readonly bytes: Uint8Array;
  readonly etag: string;
}

/** Answers as file servers do: Range with If-Range. `cut`: the connection breaks after so many bytes of the body. */
export function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  { bytes, etag }: Content,
  cut = Number.POSITIVE_INFINITY,
): void {
  const { range, "if-range": condition } = request.headers;
  const asked = /^bytes=(\d+)-$/.exec(range ?? "")?.[1];
  const start = asked !== undefined && (condition === undefined || condition === etag) ? Number(asked) : 0;
  if (start >= bytes.length && start > 0) {
    response.writeHead(416, { "content-range": `bytes */${bytes.length}` }).end();
    return;
  }
  const body = bytes.subarray(start);
  response.writeHead(start > 0 ? 206 : 200, {
    etag,
    "content-length": body.length,
    ...(start > 0 ? { "content-range": `bytes ${start}-${bytes.length - 1}/${bytes.length}` } : {}),
  });
  if (cut >= body.length) response.end(body);
  // what was written must leave before the connection breaks
  else response.write(body.subarray(0, cut), () => setTimeout(() => response.destroy(), 20));
}
