import { type Dispatcher, EnvHttpProxyAgent, fetch, type Response } from "undici";
import { ZooError } from "./errors.js";

const MAX_REDIRECTS = 10;

export interface Connection extends AsyncDisposable {
  readonly dispatcher: Dispatcher;
}

/** Connections that go through the proxies of the environment: HTTPS_PROXY, HTTP_PROXY, NO_PROXY. */
export function openConnection(): Connection {
  const dispatcher = new EnvHttpProxyAgent({ connectTimeout: 20_000, headersTimeout: 60_000, bodyTimeout: 60_000 });
  return { dispatcher, [Symbol.asyncDispose]: () => dispatcher.destroy() };
}

export interface Answer {
  readonly response: Response;
  /** Where redirects ended. */
  readonly url: string;
  /** SHA-256 of the content, where the first server says it (Hugging Face: X-Linked-Etag). */
  readonly sha256: string | undefined;
}

/** GET that follows redirects by itself, since the first answer may hold the content's hash. */
export async function get(
  url: string,
  headers: Readonly<Record<string, string>>,
  connection: Connection,
  signal: AbortSignal | undefined,
): Promise<Answer> {
  let current = url;
  let sha256: string | undefined;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const response = await fetch(current, {
      headers: { ...headers, "accept-encoding": "identity", "user-agent": "asl-zoo" },
      redirect: "manual",
      dispatcher: connection.dispatcher,
      ...(signal === undefined ? {} : { signal }),
    });
    sha256 ??= /^"?([0-9a-f]{64})"?$/.exec(response.headers.get("x-linked-etag") ?? "")?.[1];
    const location = response.headers.get("location");
    if (response.status < 300 || response.status >= 400 || location === null) return { response, url: current, sha256 };
    await response.body?.cancel();
    const next = new URL(location, current);
    if (next.protocol === "http:" && current.startsWith("https:")) {
      throw new ZooError(`${url}: leads from https to ${next.origin} without encryption, which is refused`);
    }
    current = next.href;
  }
  throw new ZooError(`${url}: leads from place to place without end (more than ${MAX_REDIRECTS} redirects)`);
}

/** A strong ETag, else the date of the last change: what If-Range takes. Null when the server says neither. */
export function validatorOf({ headers }: Response): string | null {
  const etag = headers.get("etag");
  if (etag?.startsWith('"') === true) return etag;
  return headers.get("last-modified");
}
