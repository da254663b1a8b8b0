import type { Browser } from "playwright-core";
import type { RemoteBackend } from "../remote/index.js";
import type { GuestModule } from "./bundle.js";
import { launchChromium, openInChromium } from "./chromium.js";
import { openInDeno } from "./deno.js";
import { GuestServer } from "./server.js";

/** Where backends run that are not for Node: each host is started when it is first asked for, and shared. */
export class Hosts implements AsyncDisposable {
  #server: Promise<GuestServer> | undefined;
  #chromium: Promise<Browser> | undefined;

  /** In a page of Chromium. Throws AslError ERR_ASL_BACKEND where that is not installed. */
  async chromium(module: GuestModule): Promise<RemoteBackend> {
    this.#server ??= GuestServer.start();
    this.#chromium ??= launchChromium();
    return openInChromium(await this.#chromium, await this.#server, module);
  }

  /** In a Deno process of its own. Throws AslError ERR_ASL_BACKEND where that is not installed. */
  async deno(module: GuestModule): Promise<RemoteBackend> {
    this.#server ??= GuestServer.start();
    return openInDeno(await this.#server, module);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const [browser, server] = await Promise.allSettled([this.#chromium, this.#server]);
    if (browser.status === "fulfilled") await browser.value?.close();
    if (server.status === "fulfilled") await server.value?.[Symbol.asyncDispose]();
  }
}
