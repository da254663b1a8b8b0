import { readFileSync } from "node:fs";
import { Command, Option } from "@commander-js/extra-typings";

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  version: string;
};

const repeatable = <Flags extends string>(flags: Flags, description: string) =>
  new Option(flags, description)
    .argParser((value, before: readonly string[]) => [...before, value])
    .default([] as readonly string[], "all");

export const conformanceCommand = () =>
  new Command()
    .name("asl-conformance")
    .description("Runs the conformance fixtures on backends and shows where they differ from the meaning of the ops.")
    .version(version, "--version", "show the version")
    .argument("[adapters...]", "modules whose default export is a Backend or makes one")
    .addOption(repeatable("--backend <name>", "a backend that is known by name; may be repeated"))
    .addOption(repeatable("--case <name>", "only this case, or all cases whose name starts with it; may be repeated"))
    .option("--browser", "bundle the adapters and run them in Chromium")
    .option("--json <file>", "write the results as JSON")
    .option("--html <file>", "write a report for a browser, in one file")
    .option("--mutants", "also run wrong versions of the reference, each of which must fail")
    .option("--no-matrix", "leave out the table of all ops")
    .option("--quiet", "no progress")
    .addHelpText(
      "after",
      "\nExamples:\n  $ asl-conformance ./my-adapter.js\n  $ asl-conformance ./my-webgpu-adapter.js --browser\n" +
        "  $ asl-conformance --backend onnx --json results.json\n" +
        "  $ asl-conformance --backend tfjs-wasm --case conv2d/dyadic/3x3-padding-1\n",
    )
    .showHelpAfterError("(--help shows all options)");
