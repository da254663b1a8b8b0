import { BITWISE } from "./functions/bitwise.js";
import { CASTS } from "./functions/casts.js";
import { ELEMENTARY } from "./functions/elementary.js";
import type { WgslFunction } from "./functions/function.js";
import { SOFT } from "./functions/soft.js";

/**
 * `zero` is a uniform that is 0 in every run: what is combined with it cannot be computed, reordered or contracted by a
 * compiler, and non-finite constants, which WGSL refuses, can be written down.
 */
const HELD: WgslFunction = {
  needs: [],
  text: "fn held(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) ^ zero); }",
};

/** Every function by name. */
export const FUNCTIONS = { held: HELD, ...BITWISE, ...CASTS, ...ELEMENTARY, ...SOFT } as const;

export type FunctionName = keyof typeof FUNCTIONS;

/** The text of the named functions and of all that they need, each once, callees first. */
export function functionsText(names: Iterable<string>): string {
  const texts = new Map<string, string>();
  const visit = (name: string): void => {
    if (texts.has(name)) return;
    const { needs, text } = FUNCTIONS[name as FunctionName] as WgslFunction;
    for (const need of needs) visit(need);
    texts.set(name, text);
  };
  for (const name of [...names].sort()) visit(name);
  return [...texts.values()].join("\n");
}
