// How long do a training step and an inference take, and how much memory, against PyTorch on the same cores?
import { openPeer } from "./peer.mjs";
import { median } from "./table.mjs";
import { CASES, flops } from "./tresnet/cases.mjs";

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

const megabytes = (bytes) => (bytes / 2 ** 20).toFixed(0);
