import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";

const SERVE = fileURLToPath(new URL("../serve.mjs", import.meta.url));

test("serve.mjs builds the page and serves it", async () => {
  const server = spawn(process.execPath, [SERVE, "--port", "0", "--host", "127.0.0.1"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  try {
    let printed = "";
    for await (const text of server.stdout) {
      printed += text;
      if (/127\.0\.0\.1:\S*\d/.test(printed)) break;
    }
    // the port may be printed in bold
    const plain = stripVTControlCharacters(printed);
    const [address] = /http:\/\/127\.0\.0\.1:\d+\//.exec(plain)!;
    const page = await (await fetch(address!)).text();
    const [, script] = /<script type="module"[^>]* src="([^"]+)"/.exec(page)!;
    expect((await fetch(new URL(script!, address))).status).toBe(200);
  } finally {
    server.kill();
    await once(server, "close");
  }
});

test("serve.mjs says how it is called, and refuses what it does not know", () => {
  const run = (...args: string[]) => spawnSync(process.execPath, [SERVE, ...args], { encoding: "utf8" });
  expect(run("--help")).toMatchObject({ status: 0, stdout: expect.stringMatching(/^Usage: .*--port/s) });
  expect(run("--port", "web")).toMatchObject({ status: 2, stderr: expect.stringMatching(/--port: .* not "web"/) });
  expect(run("--prot", "1")).toMatchObject({ status: 2, stderr: expect.stringContaining("--prot") });
});
