import { ShapeError } from "asl-core";
import type { ContractionLimits } from "./tuning.js";

/** Workgroups for `counts` tiles, and WGSL that gives each its `workgroup` (vec3<u32>, a tile's three numbers). */
export interface Grid {
  readonly workgroups: readonly [number, number, number];
  readonly code: string;
}

/** A count beyond what one dimension allows is spread over two, and surplus workgroups return at once. */
export function gridOf(
  counts: readonly [number, number, number],
  { maxComputeWorkgroupsPerDimension: most }: ContractionLimits,
  subject: { readonly op: string; readonly scope: string },
): Grid {
  if (counts.every((count) => count <= most)) return { workgroups: counts, code: "let workgroup = workgroup_id;" };
  const [x, y] = counts;
  const total = counts.reduce((product, count) => product * count, 1);
  const height = Math.ceil(total / most);
  const depth = Math.ceil(height / most);
  if (depth > most || total >= 2 ** 32) {
    throw new ShapeError(
      subject.op,
      `needs ${total} workgroups; a dispatch has at most ${Math.min(most ** 3, 2 ** 32 - 1)}`,
      subject.scope,
    );
  }
  return {
    workgroups: [most, Math.min(height, most), depth],
    code: [
      `let tile = (workgroup_id.z * ${Math.min(height, most)}u + workgroup_id.y) * ${most}u + workgroup_id.x;`,
      `if (tile >= ${total}u) {\n  return;\n}`,
      `let workgroup = vec3<u32>(tile % ${x}u, (tile / ${x}u) % ${y}u, tile / ${x * y}u);`,
    ].join("\n"),
  };
}
