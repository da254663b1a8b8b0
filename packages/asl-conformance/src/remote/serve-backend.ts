import type { Backend, Session, Tensors } from "asl-core";
import type { Deviation } from "../report.js";
import type { Channel } from "./channel.js";
import { errorToJson } from "./errors.js";
import { decodeFrame, encodeFrame } from "./frame.js";
import { type Greeting, PROTOCOL_VERSION, programFromJson, type Request, type Response } from "./messages.js";

/** A backend and the cases that it is known to fail. */
export interface Served {
  readonly backend: Backend;
  readonly deviations?: readonly Deviation[];
}

/**
 * Lets the other end of the channel use a backend, until that end closes. `open` makes the backend; what it throws is
 * thrown there. Checks nothing of its own: what the backend accepts is accepted.
 */
export async function serveBackend(open: () => Served | Promise<Served>, channel: Channel): Promise<void> {
  const greet = (greeting: Greeting) => channel.send(encodeFrame(greeting));
  let served: Served;
  try {
    served = await open();
  } catch (error) {
    greet({ version: PROTOCOL_VERSION, error: errorToJson(error) });
    return;
  }
  const sessions = new Map<number, Session>();
  channel.listen({
    message(frame) {
      const { body, tensors } = decodeFrame(frame);
      const request = body as Request;
      const respond = (response: Response, results?: Tensors) => channel.send(encodeFrame(response, results));
      perform(request, tensors, served.backend, sessions).then(
        (results) => respond({ id: request.id }, results),
        (error: unknown) => respond({ id: request.id, error: errorToJson(error) }),
      );
    },
    closed() {
      for (const session of sessions.values())
        void Promise.resolve(session[Symbol.asyncDispose]()).catch(() => undefined);
      sessions.clear();
    },
  });
  const { backend, deviations = [] } = served;
  greet({ version: PROTOCOL_VERSION, name: backend.name, deviations });
}

/** Calls the session before it first waits, so that calls reach a session in the order of the messages. */
async function perform(
  request: Request,
  tensors: Tensors,
  backend: Backend,
  sessions: Map<number, Session>,
): Promise<Tensors | undefined> {
  if (request.call === "compile") {
    const programs = Object.entries(request.programs).map(([name, json]) => [name, programFromJson(json)] as const);
    sessions.set(request.session, await backend.compile(request.state, Object.fromEntries(programs)));
    return undefined;
  }
  const session = sessions.get(request.session);
  if (session === undefined) throw new Error(`session ${request.session} was never compiled`);
  switch (request.call) {
    case "run":
      return session.run(request.program, tensors);
    case "read":
      return session.read(request.names);
    case "write":
      await session.write(tensors);
      return undefined;
    case "dispose":
      await session[Symbol.asyncDispose]();
      return undefined;
    case "forget":
      sessions.delete(request.session);
      return undefined;
  }
}
