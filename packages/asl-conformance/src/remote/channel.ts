/** One end of a connection that carries whole binary messages in order. */
export interface Channel {
  /** Takes the message over: the sender does not touch it afterwards. */
  send(message: Uint8Array): void;
  /** Called once; what arrived before is delivered then. */
  listen(listener: ChannelListener): void;
  close(): void;
}

export interface ChannelListener {
  message(message: Uint8Array): void;
  /** The other end is gone, or this one was closed. Nothing comes afterwards. */
  closed(): void;
}

/** A connection inside one process: two ends, each with a copy of what the other sends, delivered asynchronously. */
export function channelPair(): readonly [Channel, Channel] {
  const [a, b] = [new LocalEnd(), new LocalEnd()];
  a.other = b;
  b.other = a;
  return [a, b];
}

class LocalEnd implements Channel {
  other!: LocalEnd;
  readonly #inbox = new Inbox();

  send(message: Uint8Array): void {
    const copy = message.slice();
    queueMicrotask(() => this.other.#inbox.deliver(copy));
  }

  listen(listener: ChannelListener): void {
    this.#inbox.open(listener);
  }

  close(): void {
    for (const end of [this, this.other]) queueMicrotask(() => end.#inbox.close());
  }
}

/** Keeps what arrives until somebody listens. */
class Inbox {
  #listener: ChannelListener | undefined;
  #waiting: Uint8Array[] = [];
  #isClosed = false;

  open(listener: ChannelListener): void {
    this.#listener = listener;
    for (const message of this.#waiting) listener.message(message);
    this.#waiting = [];
    if (this.#isClosed) listener.closed();
  }

  deliver(message: Uint8Array): void {
    if (this.#isClosed) return;
    if (this.#listener === undefined) this.#waiting.push(message);
    else this.#listener.message(message);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#listener?.closed();
  }
}

/** What browsers, Deno and the package ws have in common. */
export interface BinarySocket {
  binaryType: string;
  send(message: Uint8Array<ArrayBuffer>): void;
  close(): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: "close", listener: () => void): void;
}

/** A channel over a WebSocket that is open. */
export function webSocketChannel(socket: BinarySocket): Channel {
  const inbox = new Inbox();
  socket.binaryType = "arraybuffer";
  socket.addEventListener("message", ({ data }) => inbox.deliver(new Uint8Array(data as ArrayBuffer)));
  socket.addEventListener("close", () => inbox.close());
  return {
    send: (message) => socket.send(message as Uint8Array<ArrayBuffer>),
    listen: (listener) => inbox.open(listener),
    close: () => socket.close(),
  };
}
