import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { AslError } from "asl-core";
import { type RemoteBackend, remoteBackend } from "../remote/index.js";
import { bundleGuest, type GuestModule } from "./bundle.js";
import type { GuestServer } from "./server.js";

/** lavapipe, Mesa's Vulkan driver in software: a compiler of WGSL that shares nothing with Chromium's. */
const LAVAPIPE = "/usr/share/vulkan/icd.d/lvp_icd.x86_64.json";

/** The executable inside the npm package `deno`; undefined where that is not installed. */
export function findDeno(): string | undefined {
  const platform = `${process.platform}-${process.arch}${process.platform === "linux" ? "-glibc" : ""}`;
  try {
    const deno = createRequire(import.meta.url).resolve("deno/package.json");
    const executables = createRequire(deno).resolve(`@deno/${platform}/package.json`);
    const file = path.join(path.dirname(executables), process.platform === "win32" ? "deno.exe" : "deno");
    return existsSync(file) ? file : undefined;
  } catch {
    return undefined;
  }
}

/** Whether Debian's mesa-vulkan-drivers is installed. */
export const hasLavapipe = (): boolean => existsSync(LAVAPIPE);

/**
 * An adapter in a Deno process of its own, which may talk to this process only. WebGPU is wgpu's, on lavapipe where that
 * is installed. Disposing the backend ends the process. Throws AslError ERR_ASL_BACKEND where Deno is not installed.
 */
export async function openInDeno(server: GuestServer, module: GuestModule): Promise<RemoteBackend> {
  const executable = findDeno();
  if (executable === undefined) {
    throw new AslError("ERR_ASL_BACKEND", "Deno is not installed; npm install deno");
  }
  const { code } = await bundleGuest(module, "deno");
  const invitation = server.invite({ code, folders: [] });
  const { host } = new URL(invitation.address);
  const child = spawn(executable, ["run", ...OPTIONS, `--allow-net=${host}`, "-"], {
    stdio: ["pipe", "ignore", "pipe"],
    env: { ...process.env, NO_COLOR: "1", ...(hasLavapipe() ? { VK_ICD_FILENAMES: LAVAPIPE } : {}) },
  });
  const kill = () => void child.kill("SIGKILL");
  process.once("exit", kill);
  let lastWords = "";
  child.stderr.on("data", (text: Buffer) => {
    lastWords = (lastWords + text.toString()).slice(-MOST_LAST_WORDS);
  });
  // a process that ends early does not read its program
  child.stdin.on("error", () => undefined);
  child.stdin.end(`globalThis.ASL_HOST = ${JSON.stringify(invitation.address)};\n${code}`);
  const dispose = async () => {
    await ended(child);
    process.off("exit", kill);
  };
  const failed = new Promise<never>((_resolve, reject) => {
    child.on("close", (status, signal) => {
      const detail = lastWords === "" ? `status ${status ?? signal}` : lastWords.trim().split("\n").at(-1)!;
      reject(new AslError("ERR_ASL_BACKEND", `${module.specifier} in Deno: the process has ended: ${detail}`));
    });
    child.on("error", (cause) => reject(new AslError("ERR_ASL_BACKEND", `${executable}: ${cause.message}`, { cause })));
  });
  failed.catch(() => undefined);
  try {
    const channel = await Promise.race([invitation.channel, failed]);
    const backend = await remoteBackend(channel, () => lastWords.trim() || undefined);
    return {
      ...backend,
      async [Symbol.asyncDispose]() {
        await backend[Symbol.asyncDispose]();
        await dispose();
      },
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

const OPTIONS = ["--quiet", "--no-config", "--no-lock", "--no-remote", "--no-npm", "--no-prompt", "--unstable-webgpu"];
const MOST_LAST_WORDS = 2000;

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}
