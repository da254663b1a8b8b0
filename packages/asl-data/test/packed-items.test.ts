import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkDataset, type DatasetItem, writeTargets } from "../src/dataset.js";
import { PackedItemList, packItems } from "../src/packed-items.js";

const CLASSES = 7;

/** Each class is there, not there or not annotated; said with `unannotated` or with `negatives`. */
const item = fc
  .record({
    name: fc.string({ minLength: 1 }),
    file: fc.constantFrom("a/b/one.jpg", "a/b/c/zwei ü.png", "a/drei.webp", "/data/four.jpg"),
    targets: fc.array(fc.constantFrom(1, 0, -1), { minLength: CLASSES, maxLength: CLASSES }),
    sparse: fc.boolean(),
  })
  .map(({ name, file, targets, sparse }): { item: DatasetItem; targets: number[] } => {
    const of = (value: number) => targets.flatMap((target, index) => (target === value ? [index] : []));
    const unannotated = of(-1);
    const rest = sparse ? { negatives: of(0) } : unannotated.length > 0 ? { unannotated } : {};
    return { item: { name, file, labels: of(1), ...rest }, targets };
  });

describe("packed items", () => {
  it("give back the items, whatever they are", () => {
    fc.assert(
      fc.property(fc.array(item), (made) => {
        const items = made.map((each) => each.item);
        const packed = packItems(items, CLASSES);
        const list = new PackedItemList(packed);
        expect([...list]).toEqual(items);
        expect(list.length).toBe(items.length);
        expect([list.at(-1), list.at(items.length)]).toEqual([undefined, undefined]);
        expect(packed.partial).toBe(made.some(({ targets }) => targets.includes(-1)));
        expect(packItems(list, CLASSES)).toBe(packed);
      }),
    );
  });

  it("share their memory, so that threads need no copy", () => {
    const packed = packItems([{ name: "a", file: "x/a", labels: [1] }], CLASSES);
    for (const { buffer } of [packed.entries, packed.offsets, packed.sparse, packed.names.bytes]) {
      expect(buffer).toBeInstanceOf(SharedArrayBuffer);
    }
  });
});

describe("targets of an item", () => {
  it("are 1, 0 and -1 as the item says, in its row alone", () => {
    fc.assert(
      fc.property(item, (made) => {
        const rows = new Float32Array(3 * CLASSES).fill(9);
        writeTargets(made.item, rows, CLASSES, CLASSES);
        expect([...rows]).toEqual([...Array(CLASSES).fill(9), ...made.targets, ...Array(CLASSES).fill(9)]);
      }),
    );
  });

  it.each([
    [{ labels: [0, 0] }, "items[0] (p) lists class 0 twice"],
    [{ labels: [0], negatives: [0] }, "items[0] (p) lists class 0 twice"],
    [{ labels: [], unannotated: [7] }, "items[0] (p) has label 7; expected an index in 0 .. 6"],
    [{ labels: [], unannotated: [1], negatives: [2] }, 'has both "negatives" and "unannotated"'],
  ])("that contradict themselves are refused: %j", (labels, message) => {
    const classes = Array.from({ length: CLASSES }, (_, index) => `c${index}`);
    expect(() => checkDataset({ classes, items: [{ name: "p", file: "p", ...labels }] })).toThrow(message);
  });
});
