import envPaths from "env-paths";
import { ZooError } from "./errors.js";

export interface ZooSettings {
  /** Where downloads are kept. */
  readonly cacheFolder: string;
  /** Use what is in the cache; never contact a server. */
  readonly offline: boolean;
  /** Takes the place of scheme, host and port of every URL; its path goes before theirs. */
  readonly mirror: string | undefined;
  /** The same for Hugging Face's alone. */
  readonly huggingFaceEndpoint: string | undefined;
}

/**
 * Settings from the environment: ASL_CACHE (else XDG_CACHE_HOME/asl, ~/.cache/asl or what the system has for it),
 * ASL_OFFLINE or HF_HUB_OFFLINE (1), ASL_MIRROR, HF_ENDPOINT. Proxies (HTTPS_PROXY, HTTP_PROXY, NO_PROXY) are read when a
 * connection is made.
 */
export function settingsFrom(environment: Readonly<Record<string, string | undefined>>): ZooSettings {
  const text = (name: string) => (environment[name] === "" ? undefined : environment[name]);
  const isOn = (name: string) => ["1", "true", "yes", "on"].includes(text(name)?.toLowerCase() ?? "");
  return {
    cacheFolder: text("ASL_CACHE") ?? envPaths("asl", { suffix: "" }).cache,
    offline: isOn("ASL_OFFLINE") || isOn("HF_HUB_OFFLINE"),
    mirror: text("ASL_MIRROR"),
    huggingFaceEndpoint: text("HF_ENDPOINT"),
  };
}

const HUGGING_FACE = "huggingface.co";

/** The URL to ask, with mirror settings applied. Throws ZooError for a setting that is no http(s) URL. */
export function mirrored(
  url: string,
  { mirror, huggingFaceEndpoint }: Pick<ZooSettings, "mirror" | "huggingFaceEndpoint">,
): string {
  const original = new URL(url);
  const replacement = mirror ?? (original.hostname === HUGGING_FACE ? huggingFaceEndpoint : undefined);
  if (replacement === undefined) return url;
  const base = URL.canParse(replacement) ? new URL(replacement) : undefined;
  if (base === undefined || (base.protocol !== "https:" && base.protocol !== "http:")) {
    throw new ZooError(`the mirror must be an http or https URL; got "${replacement}"`);
  }
  return base.origin + base.pathname.replace(/\/$/, "") + original.pathname + original.search;
}
