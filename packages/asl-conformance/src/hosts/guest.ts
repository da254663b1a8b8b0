import { adapterOf } from "../adapter.js";
import { serveBackend, webSocketChannel } from "../remote/index.js";

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
    async () => adapterOf(adapter, (await load()) as Readonly<Record<string, unknown>>),
    webSocketChannel(socket),
  );
}
