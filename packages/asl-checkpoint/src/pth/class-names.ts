import type { PickleValue } from "../pickle/values.js";

const LISTS = ["classes", "class_names", "classNames", "labels", "label_names"];

/**
 * Class names that stand beside the weights: `idx_to_class` ({0: "person"}, as the official checkpoints have it),
 * `class_to_idx`, or a list of names. null if there are none that number the classes 0, 1, 2, ... without a hole.
 */
export function classNamesOf(root: PickleValue): readonly string[] | null {
  if (!(root instanceof Map)) return null;
  const byIndex = root.get("idx_to_class");
  if (byIndex instanceof Map) return inOrder([...byIndex]);
  const byName = root.get("class_to_idx");
  if (byName instanceof Map) return inOrder([...byName].map(([name, index]) => [index, name]));
  for (const key of LISTS) {
    const list = root.get(key);
    if (Array.isArray(list) && list.length > 0 && list.every((name) => typeof name === "string")) return list;
  }
  return null;
}

function inOrder(pairs: readonly (readonly [PickleValue, PickleValue])[]): readonly string[] | null {
  const names = new Map<number, string>();
  for (const [index, name] of pairs) {
    if (typeof name !== "string") return null;
    names.set(typeof index === "string" ? Number(index) : typeof index === "number" ? index : Number.NaN, name);
  }
  const ordered: string[] = [];
  for (let index = 0; index < pairs.length; index++) {
    const name = names.get(index);
    if (name === undefined) return null;
    ordered.push(name);
  }
  return ordered.length === 0 ? null : ordered;
}
