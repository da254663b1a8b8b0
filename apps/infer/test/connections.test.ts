import { EventEmitter } from "node:events";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Connections } from "../src/serve/connections.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** What Connections needs of a server and its sockets. */
function served() {
  const server = new EventEmitter();
  const connections = new Connections(server as Server);
  const connect = () => {
    const socket = Object.assign(new EventEmitter(), { destroy: () => socket.emit("close") });
    let open = true;
    socket.once("close", () => {
      open = false;
    });
    server.emit("connection", socket);
    return {
      isOpen: () => open,
      answering(work: Promise<unknown>) {
        const response = new EventEmitter();
        connections.answering({ socket } as unknown as IncomingMessage, response as ServerResponse, work, 100);
        return response;
      },
    };
  };
  return { connections, connect };
}

describe("drain()", () => {
  it("ends connections whose request did not come in whole, and waits as long as it takes for answers", async () => {
    const { connections, connect } = served();
    const [half, whole] = [connect(), connect()];
    let finish: (value: unknown) => void = () => undefined;
    const response = whole.answering(
      new Promise((resolve) => {
        finish = resolve;
      }),
    );
    connections.drain(100);
    await vi.advanceTimersByTimeAsync(99);
    expect([half.isOpen(), whole.isOpen()]).toEqual([true, true]);
    await vi.advanceTimersByTimeAsync(1);
    expect([half.isOpen(), whole.isOpen()]).toEqual([false, true]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(whole.isOpen()).toBe(true);
    finish(undefined);
    response.emit("close");
    await vi.advanceTimersByTimeAsync(100);
    expect(whole.isOpen()).toBe(false);
  });

  it("gives a client so long to read its answer, and no longer", async () => {
    const { connections, connect } = served();
    const client = connect();
    connections.drain(100);
    await vi.advanceTimersByTimeAsync(90);
    client.answering(Promise.reject(new Error("no picture")));
    await vi.advanceTimersByTimeAsync(99);
    expect(client.isOpen()).toBe(true);
    await vi.advanceTimersByTimeAsync(200);
    expect(client.isOpen()).toBe(false);
  });
});
