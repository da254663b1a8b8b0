import { mkdir, readFile } from "node:fs/promises";
import path from "node:path";
import { writeFileAtomically } from "asl-cli";
import { InputError } from "asl-core";

/** The folder of a comparison: a file for every finished run, so that an interrupted comparison goes on where it was. */
export class ResultStore {
  constructor(folder) {
    this.folder = path.resolve(folder);
  }

  path(...parts) {
    return path.join(this.folder, ...parts);
  }

  /** A result, or undefined when it is not there. Throws InputError when it was made with other settings. */
  async read(name, settings) {
    const file = this.#file(name);
    let text;
    try {
      text = await readFile(file, "utf8");
    } catch (error) {
      if (error.code === "ENOENT") return undefined;
      throw error;
    }
    const { settings: before, result } = parsed(text, file);
    const differences = Object.keys({ ...before, ...settings }).filter((field) => {
      return JSON.stringify(before[field]) !== JSON.stringify(settings[field]);
    });
    if (differences.length === 0) return result;
    const list = differences.map((field) => {
      return `${field} was ${JSON.stringify(before[field])}, now ${JSON.stringify(settings[field])}`;
    });
    throw new InputError(
      `${file}: this result was made with other settings: ${list.join("; ")}. Repeat them, or name another --store`,
    );
  }

  async write(name, settings, result) {
    const file = this.#file(name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFileAtomically(file, `${JSON.stringify({ settings, result }, null, 1)}\n`);
  }

  #file(name) {
    return this.path("results", `${name}.json`);
  }
}

function parsed(text, file) {
  try {
    const { settings, result } = JSON.parse(text);
    if (settings !== undefined && result !== undefined) return { settings, result };
  } catch {
    // said below
  }
  throw new InputError(`${file}: not a result of a comparison. Remove the file and run again`);
}
