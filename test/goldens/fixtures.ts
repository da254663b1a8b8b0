import path from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");

/** A committed fixture by its path under fixtures/. */
export const fixture = (name: string) => path.join(ROOT, "fixtures", name);
