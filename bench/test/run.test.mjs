import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const MAIN = fileURLToPath(new URL("../run.mjs", import.meta.url));
const bench = (...args) =>
  new Promise((resolve) =>
    execFile(process.execPath, [MAIN, ...args], (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr }),
    ),
  );

describe("npx pnpm@10 bench", () => {
  it("lists the benchmarks, and the options of one of them", async () => {
    const [all, one] = await Promise.all([bench("--help"), bench("kill-resume", "--help")]);
    expect([all.code, all.stdout]).toEqual([0, expect.stringMatching(/ {2}kill-resume +training runs killed/)]);
    expect(one.code).toBe(0);
    expect(one.stdout).toMatch(/--kills +runs that are killed \(default: 50\)/);
    expect(one.stdout).not.toContain("--threads");
  });

  it.each([
    [["tresnt"], /^bench: no benchmark is called "tresnt"; there are tresnet, /],
    [["loader", "--kills", "3"], /^bench: Unknown option '--kills'.* \(npx pnpm@10 bench loader --help shows all/],
    [["loader", "--runs", "many"], /^bench: --runs must be a whole number from 1 on; got "many"/],
    [["loader", "--json", "none/x.json"], /^bench: --json none\/x\.json: its folder does not exist/],
  ])("%j: one line, exit code 2, nothing is measured", async (args, message) => {
    const { code, stdout, stderr } = await bench(...args);
    expect([code, stdout, stderr.trim().split("\n").length]).toEqual([2, "", 1]);
    expect(stderr).toMatch(message);
  });
});
