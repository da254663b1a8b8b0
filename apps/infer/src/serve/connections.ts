import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/**
 * A server's open connections, and which of them wait for an answer that is being made. Node ends only idle connections
 * when a server closes, and from then on enforces none of its timeouts: one half-sent request would keep it for ever.
 */
export class Connections {
  readonly #open = new Set<Socket>();
  readonly #working = new Set<IncomingMessage>();

  constructor(private readonly server: Server) {
    server.on("connection", (socket: Socket) => {
      this.#open.add(socket);
      socket.once("close", () => this.#open.delete(socket));
    });
  }

  /** The request is in whole, and `work` makes its answer, which the client has `patience` milliseconds to read. */
  answering(request: IncomingMessage, response: ServerResponse, work: Promise<unknown>, patience: number): void {
    const end = () => this.#working.delete(request);
    this.#working.add(request);
    response.once("close", end);
    void Promise.allSettled([work]).then(() => setTimeout(end, patience).unref());
  }

  /** Every `patience` milliseconds from now on, ends the connections whose answer is not being made. */
  drain(patience: number): void {
    const timer = setInterval(() => {
      const busy = new Set([...this.#working].map(({ socket }) => socket));
      for (const socket of this.#open) if (!busy.has(socket)) socket.destroy();
    }, patience);
    timer.unref();
    this.server.once("close", () => clearInterval(timer));
  }
}
