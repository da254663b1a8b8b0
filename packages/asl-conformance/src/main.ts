#!/usr/bin/env node
import { AslError } from "asl-core";
import { conformanceCommand } from "./command/command.js";
import { conform } from "./command/conformance.js";

const isTerminal = process.stderr.isTTY === true;
const command = conformanceCommand()
  // commander leaves with 1 for wrong arguments
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .parse();
const options = command.opts();
const progress = (text: string) => {
  if (isTerminal && options.quiet !== true) process.stderr.write(`\r\u001b[K${text}`);
};

let exitCode: number;
try {
  const print = (text: string) => {
    progress("");
    process.stdout.write(`${text}\n`);
  };
  exitCode = (await conform(command.args, options, { print, progress })) ? 0 : 1;
} catch (error) {
  progress("");
  // what the user can mend is one line; a mistake of ours shows where it is
  const isExpected = error instanceof AslError || (error instanceof Error && "code" in error);
  process.stderr.write(`error: ${isExpected ? error.message : error instanceof Error ? error.stack : String(error)}\n`);
  exitCode = 1;
}
await new Promise<void>((resolve) => process.stdout.write("", () => resolve()));
// native runtimes and their threads may keep the process alive although all is done
process.exit(exitCode);
