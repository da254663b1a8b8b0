// What does it gain that asl-onnx calls ONNX Runtime's library itself, in time, memory and loading?
import { openPeer } from "./peer.mjs";
import { median } from "./table.mjs";
import { CASES } from "./tresnet/cases.mjs";

const BINDINGS = ["c", "node"];
const NAMES = ["train TResNet-M 64 px, batch 8", "infer TResNet-M 224 px, batch 1", "infer TResNet-M 224 px, batch 8"];

/** Interleaves steps through both bindings, a process each. */
export async function run({ runs, only, threads, report }) {
  const rows = [];
  for (const name of NAMES.filter((each) => each.includes(only))) {
    report(`${name} ...`);
    rows.push(
      ...(await measure(
        CASES.find((each) => each.name === name),
        { runs, threads },
      )),
    );
  }
  return { rows, trailer: 'ours: binding "c"; peer: binding "node", onnxruntime-node\'s add-on.' };
}

async function measure({ name, ...task }, { runs, threads }) {
  const sides = BINDINGS.map(() => openPeer("tresnet/ours.mjs", { threads }));
  try {
    for (const [i, side] of sides.entries()) await side.ask({ ...task, threads, binding: BINDINGS[i] });
    const times = sides.map(() => []);
    for (let i = 0; i <= runs; i++) {
      for (const [j, side] of sides.entries()) times[j].push((await side.ask({ task: "step" })).seconds);
    }
    const memory = [];
    for (const side of sides) memory.push((await side.ask({ task: "memory" })).bytes);
    // an inference loads its model at its first run
    const firsts = times.map(([first]) => first);
    const [ours, peer] = times.map(([, ...rest]) => median(rest));
    const note = `memory ${memory.map((bytes) => (bytes / 2 ** 20).toFixed(0)).join(" / ")} MB`;
    const row = { name, ours, peer, ratio: ours / peer, runs, note, memory };
    if (task.task === "train") return [row];
    const [first, peerFirst] = firsts;
    return [row, { name: `${name}, first`, ours: first, peer: peerFirst, ratio: first / peerFirst, runs: 1, note: "" }];
  } finally {
    await Promise.all(sides.map((side) => side.close()));
  }
}
