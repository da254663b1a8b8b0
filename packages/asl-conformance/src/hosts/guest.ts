import { InputError } from "asl-core";
import { adapterOf } from "../adapter.js";
import { type Served, serveBackend, webSocketChannel } from "../remote/index.js";

/**
 * Runs inside a browser or another runtime, bundled with an adapter: connects to the host that started it and serves the
 * adapter's backend until that host goes away. `load` imports the adapter, so that an adapter that fails to load says so
 * through the channel.
 */
export async function serveGuest(address: string, adapter: string, load: () => Promise<unknown>): Promise<void> {
  const socket = new WebSocket(address);
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener("open", () => resolve());
    socket.addEventListener("error", () => reject(new Error(`no connection to ${address}`)));
  });
  await serveBackend(
    async () => servedOf(adapter, (await load()) as Readonly<Record<string, unknown>>),
    webSocketChannel(socket),
  );
}

/** A channel carries a backend's calls only. */
export async function servedOf(file: string, module: Readonly<Record<string, unknown>>): Promise<Served> {
  const { backend, deviations, ...parts } = await adapterOf(file, module);
  const [part] = Object.keys(parts);
  if (part !== undefined || backend === undefined) {
    throw new InputError(
      `${file}: exports ${part}, which runs in Node only; export it from a module of its own, and run that without --browser`,
    );
  }
  return { backend, deviations };
}
