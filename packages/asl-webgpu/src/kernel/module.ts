import { functionsText } from "../wgsl/functions.js";
import type { Bindings } from "./bindings.js";

/** Invocations of a workgroup in kernels where every invocation makes its own elements. */
export const INVOCATIONS = 64;

/** Workgroups for `count` units; what one dimension does not allow is spread over two. */
export function gridOf(count: number, mostPerDimension: number): readonly [number, number, number] {
  const columns = Math.min(count, mostPerDimension);
  return [columns, columns === 0 ? 0 : Math.ceil(count / columns), 1];
}

/** Number of the workgroup in such a grid. */
export const workgroupNumber = ([columns, rows]: readonly [number, number, number]) =>
  rows === 1 ? "workgroup.x" : `(workgroup.y * ${columns}u + workgroup.x)`;

export const ENTRY_ARGUMENTS =
  "@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32";

/** Extensions, bindings, functions, then the rest. */
export function moduleText(bindings: Bindings, functions: Iterable<string>, ...rest: readonly string[]): string {
  const enables = [...bindings.enables].map((name) => `enable ${name};`).join("\n");
  return [enables, bindings.declarations, functionsText(functions), ...rest]
    .filter((part) => part !== "")
    .join("\n\n")
    .concat("\n");
}

/** `fn signature { body }`. */
export const functionText = (signature: string, body: string) => `fn ${signature} {\n${body}\n}`;
