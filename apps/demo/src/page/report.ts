/** Everything that the page shows. */
export interface Report {
  readonly figures: readonly Figure[];
  /** What was trained and how, as pairs to read. */
  readonly recipe: readonly (readonly [name: string, value: string])[];
  readonly history: readonly EpochRecord[];
  readonly classes: readonly ClassRecord[];
  readonly scenes: readonly SceneRecord[];
  /** The command lines, as one could type them. */
  readonly commands: readonly string[];
}

/** A number to show large. */
export interface Figure {
  readonly label: string;
  readonly value: string;
  readonly note: string;
}

export interface EpochRecord {
  /** From 1. */
  readonly epoch: number;
  readonly loss: number;
  /** In percent, of the regular and of the averaged weights. */
  readonly mAP: number;
  readonly mAPEma: number;
}

export interface ClassRecord {
  readonly name: string;
  /** Average precision in percent on unseen scenes and on those of the held-out icon family. */
  readonly unseen: number;
  readonly heldOut: number;
}

export interface SceneRecord {
  readonly name: string;
  readonly split: "unseen" | "heldOut";
  /** The picture as a data: URI. */
  readonly picture: string;
  readonly tags: readonly SceneTag[];
}

/** A class that is there, or that the model says is there. */
export interface SceneTag {
  readonly name: string;
  readonly score: number;
  readonly outcome: TagOutcome;
}

export type TagOutcome = "correct" | "missed" | "wrong";

/** The tags of a scene: the true ones and the predicted ones, highest score first. */
export function compareTags(
  scores: Readonly<Record<string, number>>,
  predicted: ReadonlySet<string>,
  truth: ReadonlySet<string>,
): readonly SceneTag[] {
  const tags = Object.entries(scores).flatMap(([name, score]): readonly SceneTag[] => {
    const isPredicted = predicted.has(name);
    if (!isPredicted && !truth.has(name)) return [];
    return [{ name, score, outcome: isPredicted ? (truth.has(name) ? "correct" : "wrong") : "missed" }];
  });
  return [...tags].sort((a, b) => b.score - a.score);
}
