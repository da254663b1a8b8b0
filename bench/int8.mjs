// How fast is a quantised file beside PyTorch eager in float32, beside the float32 file that it is made of, and beside what
// the processor can do in integers?
import { writeFile } from "node:fs/promises";
import { formatTable as alignedTable, createCommand, EXIT, positiveInteger, runCommand } from "asl-cli";
import { openOnnxModelNode } from "asl-onnx/node";
import ort from "onnxruntime-node";
import { disposing } from "./comparison/disposing.mjs";
import { N, productRates } from "./int8/ceiling.mjs";
import { makeFiles, noise, SIZE } from "./int8/files.mjs";
import { byOperator, convolutionRates, nodeTimes } from "./int8/profile.mjs";
import { openPeer } from "./peer.mjs";
import { formatTable, median } from "./table.mjs";
import { temporaryFolder } from "./temporary-folder.mjs";

const VARIANTS = { tresnet_m: "TResNet-M", tresnet_l: "TResNet-L" };
const BATCHES = [1, 8];
const PEERS = { eager: "PyTorch eager", float: "our float32 file" };

const command = () =>
  createCommand({
    name: "bench int8",
    description:
      `TResNet-M and -L in int8 (every layer, 7-bit weights, ${SIZE} px) in onnxruntime-node, in turn with PyTorch eager ` +
      "in float32 ($PYTHON, default /usr/bin/python3) and with the float32 file, on equal threads; medians. --profile: " +
      "where the time goes, the rate of every convolution, and the best rate of a matrix product, from each " +
      "node's fastest run.",
    examples: [
      "npx pnpm@10 bench int8 --json int8.json",
      "npx pnpm@10 bench int8 --only TResNet-M --threads 1",
      "npx pnpm@10 bench int8 --profile --threads 1 --runs 30",
    ],
  })
    .option("--runs <count>", "timed runs of each", positiveInteger, 5)
    .option("--threads <count>", "of every side", positiveInteger, 2)
    .option("--only <text>", "cases whose name holds it", "")
    .option("--profile", "node times in place of the comparison")
    .option("--json <file>", "write the figures as JSON");

export const main = (argv) => runCommand(command(), bench, argv);

async function bench(options, context) {
  const { report } = context;
  const result = await (options.profile ? profile(options, context) : compare(options, context));
  report.print(result.text);
  if (options.json !== undefined) {
    const { text: _, ...figures } = result;
    await writeFile(options.json, `${JSON.stringify(figures, null, 2)}\n`);
  }
  return EXIT.ok;
}

const casesOf = (only) =>
  Object.entries(VARIANTS)
    .map(([variant, title]) => ({
      variant,
      batches: BATCHES.map((batch) => ({ batch, name: `${title} ${SIZE} px, batch ${batch}` })).filter(({ name }) =>
        name.includes(only),
      ),
    }))
    .filter(({ batches }) => batches.length > 0);

/** Rows {name, ours, peer, ratio, runs, note}, one for each peer. */
async function compare({ runs, threads, only }, { report, signal }) {
  const rows = [];
  for (const { variant, batches } of casesOf(only)) {
    const files = await makeFiles(variant);
    for (const each of batches) {
      signal.throwIfAborted();
      report.note(`${each.name} ...`);
      rows.push(...(await measure(each, files, { runs, threads })));
    }
  }
  return { rows, text: formatTable(rows) };
}

async function measure({ name, batch }, { config, float, int8 }, { runs, threads }) {
  const feeds = noise(batch);
  const sessions = [await openOnnxModelNode(int8, { threads }), await openOnnxModelNode(float, { threads })];
  const peer = openPeer("tresnet.py", { threads });
  const seconds = (session) => async () => {
    const start = performance.now();
    await session.run(feeds);
    return (performance.now() - start) / 1000;
  };
  return await disposing([...sessions, { [Symbol.asyncDispose]: () => peer.close() }], async () => {
    const { blocks, planes, classes } = config;
    const network = { config: { blocks, planes, classes }, batch, size: SIZE, threads };
    const { version } = await peer.ask({ task: "infer", mode: "eager", ...network });
    const sides = {
      int8: seconds(sessions[0]),
      eager: async () => (await peer.ask({ task: "step" })).seconds,
      float: seconds(sessions[1]),
    };
    const times = { int8: [], eager: [], float: [] };
    for (let i = -1; i < runs; i++) {
      for (const [side, run] of Object.entries(sides)) {
        const time = await run();
        if (i >= 0) times[side].push(time);
      }
    }
    const note = { eager: `PyTorch ${version}, ${threads} threads`, float: fileSizes(int8, float) };
    const ours = median(times.int8);
    return Object.entries(PEERS).map(([side, title]) => {
      const theirs = median(times[side]);
      return { name: `${name} / ${title}`, ours, peer: theirs, ratio: ours / theirs, runs, note: note[side] };
    });
  });
}

const fileSizes = (...files) => files.map((bytes) => `${(bytes.length / 1e6).toFixed(1)} MB`).join(" against ");

const giga = (rate) => (rate / 1e9).toFixed(0);
const milliseconds = (seconds) => `${(1000 * seconds).toFixed(2)} ms`;
const percent = (share) => `${(100 * share).toFixed(1)} %`;

/** Of batch 1: what each operator takes, and how fast the convolutions are beside the best that there is. */
async function profile({ runs, threads, only }, { report, signal }) {
  const folder = temporaryFolder("asl-int8-");
  const feeds = { images: new ort.Tensor("float32", noise(1).images.data, [1, 3, SIZE, SIZE]) };
  const products = await productRates({ threads, runs, folder });
  const best = (name) => products.find((each) => each.name === name).rate;
  const networks = [];
  for (const { variant } of casesOf(only)) {
    const { float, int8, quantization } = await makeFiles(variant);
    for (const [precision, bytes, ceiling] of [
      ["int8", int8, best("uint8 x int8")],
      ["float32", float, best("float32 x float32")],
    ]) {
      signal.throwIfAborted();
      report.note(`${VARIANTS[variant]} ${precision} ...`);
      const nodes = await nodeTimes(bytes, feeds, { threads, runs, folder });
      const convolutions = convolutionRates(nodes, quantization.layers);
      const operations = convolutions.reduce((sum, each) => sum + each.nodes * each.operations, 0);
      networks.push({
        ...{
          name: `${VARIANTS[variant]} ${precision}`,
          operators: byOperator(nodes),
          convolutions,
          operations,
          ceiling,
        },
        seconds: nodes.reduce((sum, each) => sum + each.seconds, 0),
      });
    }
  }
  return {
    threads,
    products,
    networks,
    text: [productText(products, threads), ...networks.map(networkText)].join("\n\n"),
  };
}

const productText = (products, threads) =>
  alignedTable(
    [`${N} x ${N} x ${N}, threads: ${threads}`, "10^9 operations/s"],
    products.map(({ name, rate }) => [name, giga(rate)]),
    [1],
  );

function networkText({ name, operators, convolutions, operations, ceiling, seconds }) {
  const operatorRows = operators.map((row) => [
    row.op,
    String(row.nodes),
    milliseconds(row.seconds),
    percent(row.share),
  ]);
  const rateRows = convolutions.map((row) => [
    ...[
      row.kernel,
      String(row.nodes),
      milliseconds(row.seconds / row.nodes),
      giga(row.rate),
      (row.rate / ceiling).toFixed(2),
    ],
  ]);
  return [
    `${name}: ${milliseconds(seconds)}, at least ${milliseconds(operations / ceiling)} at the rate of the matrix product`,
    alignedTable(["operator", "nodes", "time", "share"], operatorRows, [1, 2, 3]),
    alignedTable(["kernel", "convolutions", "time", "10^9 op/s", "of the product"], rateRows, [1, 2, 3, 4]),
  ].join("\n");
}
