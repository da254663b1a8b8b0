// Packs every published package and checks the tarball: its files, publint, and @arethetypeswrong/cli.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";

const REQUIRED = ["package.json", "README.md", "LICENSE", "dist/index.js", "dist/index.d.ts"];
const FORBIDDEN = [/^src\//, /^test\//, /tsbuildinfo$/, /^node_modules\//];

const folders = ["packages", "apps"].flatMap((group) => readdirSync(group).map((name) => path.join(group, name)));
const temporary = mkdtempSync(path.join(tmpdir(), "asl-pack-"));
let failures = 0;

try {
  for (const folder of folders) {
    const manifest = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8"));
    if (manifest.private) continue;
    const problems = [];
    const tarball = pack(folder, manifest);
    const files = execFileSync("tar", ["-tzf", tarball], { encoding: "utf8" })
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => line.replace(/^package\//, ""));
    const required = manifest.bin
      ? [...REQUIRED, ...Object.values(manifest.bin).map((bin) => path.normalize(bin))]
      : REQUIRED;
    problems.push(...required.filter((file) => !files.includes(file)).map((file) => `lacks ${file}`));
    problems.push(
      ...files.filter((file) => FORBIDDEN.some((pattern) => pattern.test(file))).map((file) => `must not hold ${file}`),
    );
    const { messages, pkg } = await publint({
      pack: { tarball: Uint8Array.from(readFileSync(tarball)).buffer },
      strict: true,
    });
    problems.push(...messages.map((message) => `publint: ${formatMessage(message, pkg)}`));
    problems.push(...typesProblems(tarball));
    failures += problems.length;
    console.log(
      `${problems.length === 0 ? "ok  " : "FAIL"} ${manifest.name}@${manifest.version}, ${files.length} files`,
    );
    for (const problem of problems) console.log(`     ${problem}`);
  }
} finally {
  rmSync(temporary, { recursive: true, force: true });
}
process.exitCode = failures === 0 ? 0 : 1;

function pack(folder, manifest) {
  execFileSync("pnpm", ["pack", "--pack-destination", temporary], { cwd: folder, stdio: "pipe" });
  return path.join(temporary, `${manifest.name}-${manifest.version}.tgz`);
}

function typesProblems(tarball) {
  try {
    execFileSync("npx", ["attw", tarball, "--profile", "esm-only", "--format", "ascii"], { stdio: "pipe" });
    return [];
  } catch (error) {
    return [`attw: ${error.stdout}${error.stderr}`];
  }
}
