import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { generateEmojiScenes } from "asl-data";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
/** Inside the repository, so that samples resolve the packages by name. */
const FOLDER = path.join(ROOT, "node_modules", ".cache", `readme-samples-${process.pid}`);

interface Sample {
  readonly readme: string;
  readonly number: number;
  readonly code: string;
}

// A package without a README fails `check:packages`.
const readmes = [
  "README.md",
  ...["packages", "apps"].flatMap((group) =>
    readdirSync(path.join(ROOT, group)).map((name) => path.join(group, name, "README.md")),
  ),
].filter((readme) => existsSync(path.join(ROOT, readme)));

// Blocks marked ts or js run; one marked typescript is shown only, for it needs a file of the reader's.
const samples = readmes.flatMap((readme): Sample[] => {
  const text = readFileSync(path.join(ROOT, readme), "utf8");
  const blocks = [...text.matchAll(/^```(?:ts|js)\n(.*?)^```/gms)];
  return blocks.map((block, number) => ({ readme, number, code: block[1]! }));
});

/** What samples may expect to find: scene.png, pictures/, instances.json, checkpoint.pth, which is also their argument. */
beforeAll(async () => {
  mkdirSync(FOLDER, { recursive: true });
  const scenes = await generateEmojiScenes({ out: path.join(FOLDER, "scenes"), split: "val", scenes: 4 });
  cpSync(scenes.pictures, path.join(FOLDER, "pictures"), { recursive: true });
  cpSync(scenes.annotations, path.join(FOLDER, "instances.json"));
  cpSync(path.join(scenes.pictures, readdirSync(scenes.pictures)[0]!), path.join(FOLDER, "scene.png"));
  cpSync(path.join(ROOT, "fixtures/models/tresnet_tiny/checkpoint.pth"), path.join(FOLDER, "checkpoint.pth"));
});

afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

describe("code samples of the READMEs run", () => {
  it.each(samples)("$readme, sample $number", ({ readme, number, code }) => {
    const file = path.join(FOLDER, `${readme.replaceAll(path.sep, "-")}-${number}.mjs`);
    const options = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
    writeFileSync(file, ts.transpileModule(code, { compilerOptions: options }).outputText);
    const printed = execFileSync(process.execPath, [file, "checkpoint.pth"], { cwd: FOLDER, encoding: "utf8" });
    const lines = printed.split("\n").map(withoutSpaces);
    for (const comment of promisedLines(code)) expect(lines).toContain(withoutSpaces(comment));
  });

  it("there are samples to run", () => expect(samples.length).toBeGreaterThan(0));
});

/** What the comments behind console.log calls promise to be printed. */
function promisedLines(code: string): string[] {
  return [...code.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map((match) => match[1]!);
}

const withoutSpaces = (line: string) => line.replaceAll(/\s/g, "");
