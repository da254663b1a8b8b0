import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

/** Exit codes of a process that a signal ends. */
const CODES = { SIGINT: 130, SIGTERM: 143 };

/** A new folder that goes with the process, whether it ends by itself, by an error, by Ctrl-C or by SIGTERM. */
export function temporaryFolder(prefix) {
  const folder = mkdtempSync(path.join(tmpdir(), prefix));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  for (const [signal, code] of Object.entries(CODES)) process.once(signal, () => process.exit(code));
  return folder;
}
