// How long do a training step and an inference take, and how much memory, against PyTorch on the same cores?
import { asymmetricLossOptimized, evaluateProgram, flopsOf, trainProgram, tresnet, tresnetConfig } from "asl-core";
import { openPeer } from "./peer.mjs";
import { median } from "./table.mjs";

const CLASSES = 80;
const SGEMM = { name: "sgemm 1024 x 1024", task: "sgemm", size: 1024 };
const DEMO = { blocks: [2, 2, 2, 1], widthFactor: 0.5 };

const network = (task, letter, size, batch, rest = {}) => ({
  name: `${task} TResNet-${letter} ${size} px, batch ${batch}`,
  task,
  config: tresnetConfig(`tresnet_${letter.toLowerCase()}`, { classes: CLASSES }),
  size,
  batch,
  ...rest,
});

/** The ceiling first, then each network with the ways of PyTorch that it is compared with. */
const CASES = [
  SGEMM,
  ...[64, 224].flatMap((size) => [8, 32].map((batch) => network("train", "M", size, batch))),
  network("train", "M", 64, 64, {
    name: "train demo net 64 px, batch 64",
    config: tresnetConfig("tresnet_m", { classes: CLASSES, ...DEMO }),
  }),
  ...["M", "L"].flatMap((letter) =>
    [224, 448].flatMap((size) => [1, 8].map((batch) => network("infer", letter, size, batch))),
  ),
];

const MODES = { sgemm: ["eager"], train: ["eager"], infer: ["eager", "optimized"] };

/** Interleaves our steps with the peers'; medians in seconds, the most memory of each process in bytes. */
export async function run({ runs, only, threads, report }) {
  const rows = [];
  for (const each of CASES.filter(({ name }) => name.includes(only))) {
    report(`${each.name} ...`);
    const measured = await measure(each, { runs, threads });
    for (const row of measured) report(`  ${row.name}: ${row.ratio.toFixed(2)} (${row.note})`);
    rows.push(...measured);
  }
  return { rows, trailer: "memory: most of a fresh process, ours / the peer's." };
}

async function measure({ name, ...task }, { runs, threads }) {
  const modes = MODES[task.task];
  const sides = [openPeer("tresnet/ours.mjs", { threads }), ...modes.map(() => openPeer("tresnet.py", { threads }))];
  try {
    const versions = [];
    for (const [i, side] of sides.entries()) {
      versions.push(await side.ask({ ...task, threads, mode: modes[i - 1] ?? "eager" }));
    }
    const times = sides.map(() => []);
    // the first run of each prepares: kernels, layouts, compilation
    for (let i = 0; i <= runs; i++) {
      for (const [j, side] of sides.entries()) {
        const { seconds } = await side.ask({ task: "step" });
        if (i > 0) times[j].push(seconds);
      }
    }
    const memory = [];
    for (const side of sides) memory.push((await side.ask({ task: "memory" })).bytes);
    const [ours, ...peers] = times.map(median);
    const speed = flops(task) / ours / 1e9;
    return peers.map((peer, i) => {
      const { version, optimizer } = versions[i + 1];
      const way = modes[i] === "eager" ? "eager" : optimizer;
      return {
        name: modes.length === 1 ? name : `${name} / ${way}`,
        ours,
        peer,
        ratio: ours / peer,
        runs,
        note: `${speed.toFixed(0)} GFLOP/s; memory ${megabytes(memory[0])} / ${megabytes(memory[i + 1])} MB; PyTorch ${version} ${way}, ${threads} threads`,
        memory: { ours: memory[0], peer: memory[i + 1] },
        gigaflopsPerSecond: speed,
      };
    });
  } finally {
    await Promise.all(sides.map((side) => side.close()));
  }
}

/** Operations of one step: two for each product of the definition. */
function flops({ task, config, size, batch }) {
  if (task === "sgemm") return 2 * size ** 3;
  const options = { model: tresnet(config), batchSize: batch, imageSize: size };
  const loss = (logits, targets) => asymmetricLossOptimized(logits, targets, { targets: "hard" });
  const { graph } = task === "train" ? trainProgram({ ...options, loss }) : evaluateProgram(options);
  return graph.nodes.reduce((sum, node) => sum + flopsOf(node, graph.types), 0);
}

const megabytes = (bytes) => (bytes / 2 ** 20).toFixed(0);
