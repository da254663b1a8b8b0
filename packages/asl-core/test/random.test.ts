import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { initialize, initialTensors } from "../src/random/initialize.js";
import { logarithm } from "../src/random/logarithm.js";
import { createRandom, type RandomKey, type RandomState, restoreRandom } from "../src/random/random.js";
import type { StateSpec } from "../src/state/spec.js";
import type { Shape } from "../src/types/tensor.js";

const draw = <T>(count: number, next: () => T): T[] => Array.from({ length: count }, next);

describe("Random", () => {
  it("is sfc32: these words follow the state 1, 2, 3, 4 by hand", () => {
    // t = a + b + counter: 1 + 2 + 4 = 7, and the state becomes a = 2, b = 3 + 24 = 27, c = 3 << 21 + 7, counter = 5;
    // then 2 + 27 + 5 = 34
    const random = restoreRandom({ algorithm: "sfc32", words: [1, 2, 3, 4], spareNormal: null });
    expect(random.uint32()).toBe(7);
    expect(random.state().words).toEqual([2, 27, 3 * 2 ** 21 + 7, 5]);
    expect(random.uint32()).toBe(34);
  });

  it("gives these numbers for ever (a snapshot or a published run must stay reproducible)", () => {
    const random = createRandom(2024, "body.conv1.0.weight");
    expect({ words: draw(3, () => random.uint32()), normals: draw(3, () => random.normal()) }).toMatchInlineSnapshot(`
      {
        "normals": [
          0.2414122022989896,
          0.5890777807653812,
          0.013678817008282005,
        ],
        "words": [
          4095409135,
          2477070514,
          1039234538,
        ],
      }
    `);
  });

  it("keeps seeds, negative seeds, text seeds and streams apart", () => {
    const keys: [RandomKey, ...RandomKey[]][] = [
      [0],
      [1],
      [-1],
      [2 ** 32],
      ["1"],
      [""],
      [0, "a"],
      [0, "b"],
      ["0", "a"],
      ["ab", "c"],
      ["a", "bc"],
      [1, 2],
      [2, 1],
      [1, 2, 0],
    ];
    const firsts = keys.map((key) => createRandom(...key).uint32());
    expect(new Set(firsts).size).toBe(keys.length);
    expect(() => createRandom(0.5)).toThrow("a random seed must be a safe integer; got 0.5");
  });

  it("between, chance and pick are uniform() and integer() in other clothes", () => {
    const [a, b] = [createRandom(5, "x"), createRandom(5, "x")];
    expect(a.between(-2, 6)).toBe(-2 + 8 * b.uniform());
    expect(a.chance(0.5)).toBe(b.uniform() < 0.5);
    expect(a.pick(["p", "q", "r"])).toBe(["p", "q", "r"][b.integer(3)]);
    expect(() => a.pick([])).toThrow(/1 .. 2\^32/);
  });

  it("draws uniform numbers in [0, 1) with the moments of U(0, 1), and neighbouring streams do not correlate", () => {
    const n = 20_000;
    const [a, b] = [createRandom(7, "layer1.0"), createRandom(7, "layer1.1")];
    let [sum, squares, products] = [0, 0, 0];
    for (let i = 0; i < n; i++) {
      const [u, v] = [a.uniform(), b.uniform()];
      expect(u >= 0 && u < 1).toBe(true);
      sum += u;
      squares += u * u;
      products += (u - 0.5) * (v - 0.5);
    }
    // Five standard deviations of each mean: sqrt(1/12), sqrt(4/45) and 1/12, over sqrt n.
    const bound = (deviation: number) => (5 * deviation) / Math.sqrt(n);
    expect(Math.abs(sum / n - 1 / 2)).toBeLessThan(bound(Math.sqrt(1 / 12)));
    expect(Math.abs(squares / n - 1 / 3)).toBeLessThan(bound(Math.sqrt(4 / 45)));
    expect(Math.abs(products / n)).toBeLessThan(bound(1 / 12));
  });

  it("draws normal numbers with the moments and tails of N(0, 1)", () => {
    const n = 50_000;
    const random = createRandom("normal");
    const values = draw(n, () => random.normal());
    const moment = (power: number) => values.reduce((sum, value) => sum + value ** power, 0) / n;
    // E x = 0, E x^2 = 1, E x^3 = 0, E x^4 = 3; variances 1, 2, 15, 96 (over n)
    [
      [1, 0, 1],
      [2, 1, 2],
      [3, 0, 15],
      [4, 3, 96],
    ].forEach(([power, mean, variance]) => {
      expect(Math.abs(moment(power!) - mean!)).toBeLessThan(5 * Math.sqrt(variance! / n));
    });
    const beyondTwo = values.filter((value) => Math.abs(value) > 2).length / n;
    expect(Math.abs(beyondTwo - 0.0455)).toBeLessThan(5 * Math.sqrt((0.0455 * 0.9545) / n));
  });

  it("draws integers without bias and refuses impossible ranges", () => {
    const random = createRandom(3);
    const counts = new Array<number>(6).fill(0);
    for (let i = 0; i < 12_000; i++) counts[random.integer(6)]!++;
    for (const count of counts) expect(Math.abs(count - 2000)).toBeLessThan(5 * Math.sqrt(12_000 * (1 / 6) * (5 / 6)));
    expect(random.integer(1)).toBe(0);
    expect(random.integer(2 ** 32)).toBeLessThan(2 ** 32);
    for (const n of [0, -1, 1.5, 2 ** 32 + 1, Number.NaN]) {
      expect(() => random.integer(n)).toThrow("n must be an integer in 1 .. 2^32");
    }
  });

  it("shuffles: a permutation, every one equally likely", () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), fc.integer(), (array, seed) => {
        const shuffled = [...array];
        createRandom(seed).shuffle(shuffled);
        expect(shuffled.sort((a, b) => a - b)).toEqual([...array].sort((a, b) => a - b));
      }),
    );
    const random = createRandom(11);
    const counts = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const array = Uint32Array.of(0, 1, 2);
      random.shuffle(array);
      counts.set(array.join(), (counts.get(array.join()) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(5 * Math.sqrt(6000 * (5 / 36)));
  });

  it("goes on from a saved state with the same numbers, between the two normals of a pair too", () => {
    fc.assert(
      fc.property(fc.integer(), fc.array(fc.constantFrom("uint32", "uniform", "normal")), (seed, calls) => {
        const random = createRandom(seed);
        for (const call of calls) random[call as "uint32"]();
        const restored = restoreRandom(JSON.parse(JSON.stringify(random.state())) as RandomState);
        const next = (from: typeof random) => [from.normal(), from.normal(), from.uint32(), from.uniform()];
        expect(next(restored)).toEqual(next(random));
      }),
    );
  });

  it("refuses a damaged state", () => {
    const good = createRandom(0).state();
    const bad = [
      { ...good, algorithm: "pcg32" },
      { ...good, words: [1, 2, 3] },
      { ...good, words: [1, 2, 3, -4] },
      { ...good, words: [1, 2, 3, 2 ** 32] },
    ];
    for (const state of bad) expect(() => restoreRandom(state as unknown as RandomState)).toThrow("random state");
    expect(() => restoreRandom({ ...good, spareNormal: Number.NaN })).toThrow("spareNormal");
  });
});

describe("logarithm", () => {
  it("is within 4 units in the last place of ln x", () => {
    const normal = fc.double({ min: 2 ** -106, max: 2 ** 60, noNaN: true, minExcluded: true });
    fc.assert(
      fc.property(normal, (x) => {
        const expected = Math.log(x);
        expect(Math.abs(logarithm(x) - expected)).toBeLessThanOrEqual(4 * Number.EPSILON * Math.abs(expected));
      }),
      { numRuns: 2000 },
    );
    expect(logarithm(1)).toBe(0);
  });

  it("keeps its relative precision next to 1, where ln x is small", () => {
    for (let k = 1; k < 53; k++) {
      const x = 1 - 2 ** -k;
      expect(Math.abs(logarithm(x) / Math.log(x) - 1)).toBeLessThanOrEqual(4 * Number.EPSILON);
    }
  });
});

describe("initialize", () => {
  const f32 = (...shape: number[]) => ({ dtype: "f32" as const, shape: shape as Shape });
  const spec: StateSpec = {
    "ema.weight": { type: f32(40, 50), role: "slot", init: { kind: "copy", of: "weight" } },
    weight: { type: f32(40, 50), role: "parameter", init: { kind: "normal", std: 0.01 } },
    other: { type: f32(40, 50), role: "parameter", init: { kind: "normal", std: 0.01 } },
    bias: { type: f32(1000), role: "parameter", init: { kind: "uniform", bound: 0.25 } },
    gain: { type: f32(3), role: "parameter", init: { kind: "ones" } },
    count: { type: { dtype: "i32", shape: [] }, role: "slot", init: { kind: "zeros" } },
  };

  it("fills every kind with its type", () => {
    const state = initialize(spec, 1);
    expect(Object.keys(state)).toEqual(Object.keys(spec));
    for (const [name, tensor] of Object.entries(state)) expect(tensor.type).toEqual(spec[name]!.type);
    expect(state.gain!.data).toEqual(Float32Array.of(1, 1, 1));
    expect(state.count!.data).toEqual(Int32Array.of(0));
    expect(state["ema.weight"]!.data).toEqual(state.weight!.data);
    expect(state["ema.weight"]!.data).not.toBe(state.weight!.data);
    expect(state.other!.data).not.toEqual(state.weight!.data);

    const variance = Array.from(state.weight!.data).reduce((sum: number, w) => sum + w * w, 0) / 2000;
    expect(Math.abs(variance / 0.01 ** 2 - 1)).toBeLessThan(5 * Math.sqrt(2 / 2000));
    expect(state.bias!.data.every((b) => Math.abs(b) <= 0.25)).toBe(true);
    expect(Math.max(...state.bias!.data)).toBeGreaterThan(0.2);
    expect(Math.min(...state.bias!.data)).toBeLessThan(-0.2);
  });

  it("gives the same values one by one, each copy right after its origin and in its memory", () => {
    const whole = initialize(spec, 1);
    const each = [...initialTensors(spec, 1)];
    expect(Object.fromEntries(each)).toEqual(whole);
    const [[first, copy], [second, origin]] = each as [(typeof each)[0], (typeof each)[0]];
    expect([first, second]).toEqual(["ema.weight", "weight"]);
    expect(copy.data).toBe(origin.data);
  });

  it("depends on the seed and the name only: order and company change nothing", () => {
    const state = initialize(spec, 1);
    const reversed = initialize(Object.fromEntries(Object.entries(spec).reverse()), 1);
    for (const name of Object.keys(spec)) expect(reversed[name]).toEqual(state[name]);
    expect(initialize({ bias: spec.bias! }, 1).bias).toEqual(state.bias);
    expect(initialize(spec, 2).weight).not.toEqual(state.weight);
  });

  it("follows copies of copies, and names what is wrong with a copy", () => {
    const slot = (of: string, shape: Shape = [40, 50]) => ({
      type: { dtype: "f32" as const, shape },
      role: "slot" as const,
      init: { kind: "copy" as const, of },
    });
    expect(initialize({ ...spec, again: slot("ema.weight") }, 1).again).toEqual(initialize(spec, 1).weight);
    expect(() => initialize({ a: slot("b") }, 0)).toThrow('state "a" copies "b", which does not exist');
    expect(() => initialize({ a: slot("toString") }, 0)).toThrow('copies "toString", which does not exist');
    expect(() => initialize({ a: slot("b"), b: slot("a") }, 0)).toThrow('state "a" is a copy of itself: a -> b -> a');
    expect(() => initialize({ ...spec, a: slot("weight", [2]) }, 0)).toThrow(
      'state "a" is f32[2] but copies "weight" f32[40,50]',
    );
    const random = { kind: "normal", std: 1 } as const;
    expect(() => initialize({ n: { type: { dtype: "i32", shape: [] }, role: "slot", init: random } }, 0)).toThrow(
      'state "n": a start of kind "normal" needs f32; got i32[]',
    );
  });
});
