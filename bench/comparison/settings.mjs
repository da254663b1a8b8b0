// What the results of a comparison depend on beside the run itself; written into every result.

/** About an hour on two quiet cores. */
export const SETTINGS = {
  classes: 80,
  imageSize: 64,
  batchSize: 32,
  network: { blocks: [2, 2, 2, 1], widthFactor: 0.5 },
  /** Peaks of the one-cycle schedule: all weights anew, or a backbone that has learnt already. */
  learningRate: { scratch: 4e-3, backbone: 2e-3 },
  scenes: 1500,
  valScenes: 600,
  epochs: 5,
  /** The backbone never sees the drawings that everything else is made of. */
  pretraining: { scenes: 4000, epochs: 10, loss: "bce", seed: 1000, families: ["noto", "noto-v1"] },
  /** One that draws all 80 classes: noto-v1 lacks ten. */
  families: ["fluent-emoji-flat"],
  sceneSeed: 1,
};

/** On photographs: few of them, so many epochs; everything that makes the backbone is as above. */
export const FINE_TUNING = photographs(SETTINGS, 40);

/** The same path in seconds; the figures mean nothing. */
export const QUICK_SETTINGS = {
  ...SETTINGS,
  imageSize: 32,
  batchSize: 8,
  network: { blocks: [1, 1, 1, 1], widthFactor: 0.0625 },
  scenes: 24,
  valScenes: 24,
  epochs: 2,
  pretraining: { ...SETTINGS.pretraining, scenes: 16, epochs: 1 },
};

export const QUICK_FINE_TUNING = photographs(QUICK_SETTINGS, 1);

function photographs({ classes, imageSize, batchSize, network, learningRate, pretraining }, epochs) {
  return { classes, imageSize, batchSize, network, learningRate, pretraining, epochs };
}
