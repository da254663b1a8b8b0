import { computed, signal } from "@preact/signals";
import { about } from "./model.js";

/** A threshold for all classes, or null: those of the model. */
export const chosenThreshold = signal<number | null>(null);

/** One per class. */
export const thresholds = computed<readonly number[]>(() => {
  const model = about.value;
  if (model === null) return [];
  const chosen = chosenThreshold.value ?? model.thresholds;
  return typeof chosen === "number" ? model.classNames.map(() => chosen) : chosen;
});

/** What the slider shows. */
export const sliderThreshold = computed(() => {
  const model = about.value?.thresholds ?? 0.5;
  if (chosenThreshold.value !== null) return chosenThreshold.value;
  return typeof model === "number" ? model : model.reduce((sum, each) => sum + each, 0) / Math.max(1, model.length);
});
