import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { expect, it } from "vitest";

const MODULE = pathToFileURL(path.resolve(import.meta.dirname, "../temporary-folder.mjs")).href;

/** Makes a temporary folder in a process, says where, and waits for `end`. */
function makeFolder(after, end = () => undefined) {
  const code = `
    const { temporaryFolder } = await import(${JSON.stringify(MODULE)});
    const { writeFileSync } = await import("node:fs");
    const folder = temporaryFolder("asl-temporary-");
    writeFileSync(folder + "/file", "");
    console.log(folder);
    ${after}`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: ["ignore", "pipe", "ignore"] });
  return new Promise((resolve) => {
    let folder = "";
    child.stdout.on("data", (text) => {
      folder += text;
      end(child);
    });
    child.on("close", (code) => resolve({ code, isLeft: existsSync(folder.trim()), folder: folder.trim() }));
  });
}

const NAMED = expect.stringContaining("asl-temporary-");
const WAIT = "setInterval(() => undefined, 1000);";

it.each([
  ["SIGTERM", 143],
  ["SIGINT", 130],
])("the temporary folder of a benchmark is gone after %s", async (signal, code) => {
  expect(await makeFolder(WAIT, (child) => child.kill(signal))).toMatchObject({ code, isLeft: false, folder: NAMED });
});

it.each([
  ["an end", "", 0],
  ["an error", 'setTimeout(() => { throw new Error("x"); }, 200);', 1],
])("... and after %s", async (_, after, code) => {
  expect(await makeFolder(after)).toMatchObject({ code, isLeft: false, folder: NAMED });
});
