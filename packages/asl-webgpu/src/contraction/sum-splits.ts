import { positiveZero } from "./frame.js";
import { type Grid, gridOf } from "./grid.js";
import type { ContractionIO, ScratchIO } from "./io.js";
import { extentOf, type GemmProblem } from "./problem.js";
import type { ContractionLimits } from "./tuning.js";
import { digits, indent, linear } from "./wgsl.js";

const INVOCATIONS = 64;

/** Adds the partial sums of a split contraction, scratch [batch, split, m, n], in order of the splits, and stores them. */
export function sumKernel(
  problem: GemmProblem,
  splits: number,
  io: ContractionIO,
  scratch: ScratchIO,
  limits: ContractionLimits,
  subject: { readonly op: string; readonly scope: string },
): Pick<Grid, "workgroups"> & { readonly wgsl: string } {
  const { batch, m, n } = problem;
  const matrix = extentOf(m) * extentOf(n);
  const outputs = extentOf(batch) * matrix;
  const grid = gridOf([Math.ceil(outputs / INVOCATIONS), 1, 1], limits, subject);
  const position = digits([...batch, ...m, ...n], "index", "at");
  const body = [
    grid.code,
    `let index = workgroup.x * ${INVOCATIONS}u + local;`,
    `if (index >= ${outputs}u) {\n  return;\n}`,
    `let start = index / ${matrix}u * ${matrix * splits}u + index % ${matrix}u;`,
    "var sum = 0.0;",
    `for (var split = 0u; split < ${splits}u; split++) {`,
    `  sum += ${scratch.load(`start + split * ${matrix}u`)};`,
    "}",
    ...position.code,
    io.store(`u32(${linear(0, problem.output, position.values)})`, positiveZero("sum")),
  ].join("\n");
  return {
    workgroups: grid.workgroups,
    wgsl: `${io.declarations}
@compute @workgroup_size(${INVOCATIONS})
fn main(@builtin(workgroup_id) workgroup_id: vec3<u32>, @builtin(local_invocation_index) local: u32) {
${indent(body)}
}
`,
  };
}
