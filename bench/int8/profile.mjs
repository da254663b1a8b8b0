// Where a session's time goes: each node's fastest run of many, from ONNX Runtime's own profile.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import ort from "onnxruntime-node";

/**
 * Nodes {name, op, seconds, shape of the first output}; seconds: the fastest of `runs`, so that other work on the
 * machine, which only ever adds, is left out. `folder` must be empty or hold no profile.
 */
export async function nodeTimes(bytes, feeds, { threads, runs, folder }) {
  const prefix = `profile-${performance.now()}`;
  const session = await ort.InferenceSession.create(bytes, {
    ...{ intraOpNumThreads: threads, enableProfiling: true, profileFilePrefix: path.join(folder, prefix) },
    logSeverityLevel: 3,
  });
  for (let i = 0; i < runs; i++) await session.run(feeds);
  session.endProfiling();
  await session.release();
  const file = readdirSync(folder).find((name) => name.startsWith(prefix));
  const nodes = new Map();
  for (const { cat, name, dur, args } of JSON.parse(readFileSync(path.join(folder, file), "utf8"))) {
    if (cat !== "Node" || !name.endsWith("_kernel_time")) continue;
    const seconds = Math.min(dur / 1e6, nodes.get(name)?.seconds ?? Number.POSITIVE_INFINITY);
    nodes.set(name, { name, op: args.op_name, seconds, shape: Object.values(args.output_type_shape[0])[0] });
  }
  return [...nodes.values()];
}

/** Rows {op, nodes, seconds, share}, the slowest first. */
export function byOperator(nodes) {
  const total = nodes.reduce((sum, { seconds }) => sum + seconds, 0);
  const rows = new Map();
  for (const { op, seconds } of nodes) {
    const { nodes: count, seconds: before } = rows.get(op) ?? { nodes: 0, seconds: 0 };
    rows.set(op, { op, nodes: count + 1, seconds: before + seconds });
  }
  return [...rows.values()]
    .map((row) => ({ ...row, share: row.seconds / total }))
    .sort((a, b) => b.seconds - a.seconds);
}

/**
 * Rates of the convolutions, grouped by kernel and number of multiplications: {kernel, nodes, operations of one, rate in
 * operations a second}, two for each multiplication. layers: as a QuantizationReport has them.
 */
export function convolutionRates(nodes, layers) {
  const groups = new Map();
  for (const { name, op, seconds, shape } of nodes) {
    const layer = op.endsWith("Conv") ? layers.find((each) => scopeOf(each.name) === scopeOf(name)) : undefined;
    if (layer === undefined) continue;
    const operations = 2 * product(shape) * product(layer.shape.slice(1));
    const key = `${layer.shape.join(" x ")} ${operations}`;
    const group = groups.get(key) ?? { kernel: layer.shape.join(" x "), nodes: 0, operations, seconds: 0 };
    groups.set(key, { ...group, nodes: group.nodes + 1, seconds: group.seconds + seconds });
  }
  return [...groups.values()]
    .map(({ seconds, ...group }) => ({ ...group, seconds, rate: (group.nodes * group.operations) / seconds }))
    .sort((a, b) => b.seconds - a.seconds);
}

/** A convolution that has taken in its activation has that one's name, in the same scope. */
const scopeOf = (name) => name.slice(0, name.lastIndexOf("/"));

const product = (values) => values.reduce((a, b) => a * b, 1);
