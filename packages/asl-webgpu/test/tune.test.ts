import { type Backend, build, f32, InputError, matmul, type Program } from "asl-core";
import { describe, expect, it } from "vitest";
import { type CompileProgress, type TuneCache, webgpuBackend } from "../src/index.js";
import { opened, SKIPPED } from "./contraction/device.js";

const program: Program = {
  graph: build((b) => ({
    y: matmul(b.input("a", { dtype: "f32", shape: [4, 8] }), b.input("b", { dtype: "f32", shape: [8, 4] })),
  })),
  reads: {},
  writes: {},
  finite: [],
};
const KEY = "matmul 1 m4 n4 k8";
const ramp = (shape: readonly number[]) =>
  f32(
    shape,
    Array.from({ length: 32 }, (_, i) => i / 8 - 2),
  );

async function product(backend: Backend): Promise<readonly number[]> {
  await using session = await backend.compile({}, { program });
  return [...(await session.run("program", { a: ramp([4, 8]), b: ramp([8, 4]) })).y!.data];
}

describe.skipIf(SKIPPED)(`tuning ${SKIPPED ?? ""}`, () => {
  const tuned = (options: { tune?: true | TuneCache; tiles?: TuneCache }, phases: string[] = []) =>
    webgpuBackend({
      device: opened!.device,
      ...options,
      onProgress: ({ phase }: CompileProgress) => phases.push(phase),
    });

  it("measures what the cache does not know, and the cache is plain JSON that pins the choice", async () => {
    const cache: TuneCache = {};
    const phases: string[] = [];
    const y = await product(tuned({ tune: cache }, phases));
    expect(phases).toEqual(["tuning", "compiling"]);
    const [adapter] = Object.keys(cache);
    expect(Object.keys(cache[adapter!]!)).toEqual([KEY]);

    const stored = JSON.parse(JSON.stringify(cache)) as TuneCache;
    for (const options of [{ tune: stored }, { tiles: stored }, {}]) {
      const again: string[] = [];
      // dyadic numbers: no order of the terms rounds
      expect(await product(tuned(options, again))).toEqual(y);
      expect(again).toEqual(["compiling"]);
    }
    expect(stored).toEqual(cache);
  });

  it("takes pinned tiles as they are, and says which it cannot use", async () => {
    const { vendor, architecture, device, description } = opened!.device.adapterInfo;
    const adapter = [vendor, architecture, device, description].filter((part) => part !== "").join(" ");
    const y = await product(tuned({}));
    const tile = { from: "workgroup", threads: [2, 2], rows: 4, columns: 4, splits: 1, terms: 4 } as const;
    expect(await product(tuned({ tiles: { [adapter]: { [KEY]: tile } } }))).toEqual(y);

    const tooLarge = { [adapter]: { [KEY]: { ...tile, threads: [4096, 1] as const } } };
    await expect(product(tuned({ tiles: tooLarge }))).rejects.toThrow("its tile has 4096x1 invocations");
    const broken = JSON.parse(JSON.stringify({ [adapter]: { [KEY]: { from: "buffers" } } })) as TuneCache;
    await expect(product(tuned({ tune: broken }))).rejects.toThrow(InputError);
    await expect(product(tuned({ tune: broken }))).rejects.toThrow(`the tile of "${KEY}" on "${adapter}" must have`);
  });
});
