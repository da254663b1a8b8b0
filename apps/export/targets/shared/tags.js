/**
 * What a run says of its picture: the classes above their thresholds, the likeliest first, and the scores of all, in the
 * order of labels. labels, thresholds: as in model.json.
 */
export function tagsOf({ labels, thresholds }, results) {
  const scores = Array.from(results.scores.data);
  const threshold = (index) => (typeof thresholds === "number" ? thresholds : thresholds[index]);
  const tags = labels
    .map((name, index) => ({ name, score: scores[index], threshold: threshold(index) }))
    .filter((_, index) => results.labels.data[index])
    .sort((a, b) => b.score - a.score);
  return { tags, scores };
}
