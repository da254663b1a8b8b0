import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build, createServer, preview } from "vite";

const HELP = `Usage: npx pnpm@10 playground [options]

Builds the playground to static files (apps/playground/dist/site) and serves them.

Options:
  --port <number>  default 4173
  --host <name>    interface to listen on, default localhost
  --dev            serve the sources and reload on changes, without a build
  --help

Examples:
  npx pnpm@10 playground
  npx pnpm@10 demo && npx pnpm@10 playground   # with the demo's model
`;

const usage = (message) => {
  process.stderr.write(`error: ${message}\n\n${HELP}`);
  process.exit(2);
};

const readArguments = () => {
  try {
    return parseArgs({
      options: {
        port: { type: "string", default: "4173" },
        host: { type: "string", default: "localhost" },
        dev: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    return usage(error.message);
  }
};

const { port: portText, host, dev, help } = readArguments();
if (help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const port = Number(portText);
if (!Number.isInteger(port) || port < 0 || port > 65535) usage(`--port: a number from 0 to 65535, not "${portText}"`);

const configFile = fileURLToPath(new URL("vite.config.ts", import.meta.url));
const demoModel = fileURLToPath(new URL("../../runs/demo/train/best-ema.safetensors", import.meta.url));
process.stderr.write(
  existsSync(demoModel)
    ? "with the demo's model (runs/demo)\n"
    : "without a built-in model: `npx pnpm@10 demo` makes one (about 6 minutes); any .safetensors, .pth or .onnx works\n",
);

if (dev) {
  const server = await createServer({ configFile, server: { port, host } });
  await server.listen();
  server.printUrls();
} else {
  await build({ configFile, logLevel: "warn" });
  const server = await preview({ configFile, preview: { port, host } });
  server.printUrls();
}
