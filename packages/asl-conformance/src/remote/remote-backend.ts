import { AslError, type Backend, type Program, type Session, type StateSpec, type Tensors } from "asl-core";
import type { Deviation } from "../report.js";
import type { Channel } from "./channel.js";
import { errorFromJson } from "./errors.js";
import { decodeFrame, encodeFrame } from "./frame.js";
import { type Greeting, PROTOCOL_VERSION, programToJson, type Request, type Response } from "./messages.js";

/** A backend that runs at the other end of a channel; disposing it closes the channel. */
export interface RemoteBackend extends Backend, AsyncDisposable {
  /** The cases that it is known to fail, as the other end says. */
  readonly deviations: readonly Deviation[];
}

/**
 * The backend that `serveBackend` serves at the other end: same name, same bits, same errors. Throws what making it threw
 * there. When the channel closes, calls that wait and later ones throw AslError ERR_ASL_REMOTE; `whyClosed` says why, if
 * anybody knows.
 */
export async function remoteBackend(
  channel: Channel,
  whyClosed: () => string | undefined = () => undefined,
): Promise<RemoteBackend> {
  const calls = new Calls(channel, whyClosed);
  const greeting = await calls.greeting;
  if (greeting.version !== PROTOCOL_VERSION) {
    throw new AslError(
      "ERR_ASL_REMOTE",
      `the other end speaks version ${greeting.version} of the protocol; this one speaks ${PROTOCOL_VERSION}`,
    );
  }
  if ("error" in greeting) throw errorFromJson(greeting.error);
  // A session lives over there as long as somebody here could still call it.
  const forgotten = new FinalizationRegistry<number>((session) => {
    void calls.send({ session, call: "forget" }).catch(() => undefined);
  });
  let sessions = 0;
  return {
    name: greeting.name,
    deviations: greeting.deviations,
    async compile<P extends string>(state: StateSpec, programs: Readonly<Record<P, Program>>): Promise<Session<P>> {
      const id = sessions++;
      const json = Object.entries<Program>(programs).map(([name, program]) => [name, programToJson(program)] as const);
      await calls.send({ session: id, call: "compile", state, programs: Object.fromEntries(json) });
      const session = new RemoteSession<P>(id, calls);
      forgotten.register(session, id);
      return session;
    },
    async [Symbol.asyncDispose]() {
      channel.close();
    },
  };
}

type WithoutId<R> = R extends unknown ? Omit<R, "id"> : never;

/** Requests on their way. */
class Calls {
  readonly greeting: Promise<Greeting>;
  readonly #waiting = new Map<number, { resolve(results: Tensors): void; reject(error: Error): void }>();
  #next = 0;
  #closed = false;

  constructor(
    private readonly channel: Channel,
    private readonly whyClosed: () => string | undefined,
  ) {
    this.greeting = new Promise((resolve, reject) => {
      let isGreeted = false;
      channel.listen({
        message: (frame) => {
          const { body, tensors } = decodeFrame(frame);
          if (isGreeted) this.#answer(body as Response, tensors);
          else resolve(body as Greeting);
          isGreeted = true;
        },
        closed: () => {
          this.#closed = true;
          reject(this.#closedError());
          for (const { reject: refuse } of this.#waiting.values()) refuse(this.#closedError());
          this.#waiting.clear();
        },
      });
    });
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  send(request: WithoutId<Request>, tensors?: Tensors): Promise<Tensors> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(this.#closedError());
        return;
      }
      const id = this.#next++;
      this.#waiting.set(id, { resolve, reject });
      this.channel.send(encodeFrame({ id, ...request }, tensors));
    });
  }

  #answer({ id, error }: Response, results: Tensors): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(results);
    else waiting?.reject(errorFromJson(error));
  }

  #closedError(): AslError {
    const reason = this.whyClosed();
    return new AslError(
      "ERR_ASL_REMOTE",
      `the other end of the channel has closed${reason === undefined ? "" : `: ${reason}`}`,
    );
  }
}

class RemoteSession<P extends string> implements Session<P> {
  constructor(
    private readonly id: number,
    private readonly calls: Calls,
  ) {}

  run(program: P, feeds: Tensors): Promise<Tensors> {
    return this.calls.send({ session: this.id, call: "run", program }, feeds);
  }

  read(names?: readonly string[]): Promise<Tensors> {
    return this.calls.send({ session: this.id, call: "read", ...(names === undefined ? {} : { names }) });
  }

  async write(state: Tensors): Promise<void> {
    await this.calls.send({ session: this.id, call: "write" }, state);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // with the other end the session is gone, too
    if (!this.calls.isClosed) await this.calls.send({ session: this.id, call: "dispose" });
  }
}
