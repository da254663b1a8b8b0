import { asymmetricLossOptimized, evaluateProgram, flopsOf, trainProgram, tresnet, tresnetConfig } from "asl-core";

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
export const CASES = [
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

/** Operations of one step: two for each product of the definition. */
export function flops({ task, config, size, batch }) {
  if (task === "sgemm") return 2 * size ** 3;
  const options = { model: tresnet(config), batchSize: batch, imageSize: size };
  const loss = (logits, targets) => asymmetricLossOptimized(logits, targets, { targets: "hard" });
  const { graph } = task === "train" ? trainProgram({ ...options, loss }) : evaluateProgram(options);
  return graph.nodes.reduce((sum, node) => sum + flopsOf(node, graph.types), 0);
}
