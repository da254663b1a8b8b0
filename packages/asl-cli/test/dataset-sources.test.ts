import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { findSources, readAliases, readClassNames } from "../src/index.js";

const folder = mkdtempSync(join(tmpdir(), "asl-sources-"));
afterAll(() => rmSync(folder, { recursive: true }));

const written = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

describe("annotations that are named", () => {
  const csv = written("labels.csv", "path,labels,split\na.jpg,cat,train\nb.jpg,cat,val\nc.jpg,cat,extra\n");
  const set = (split: string) => ({ kind: "csv", file: csv, pictures: "photos", split });

  it("of CSV have the sets that its column names: validation pictures are never trained on", async () => {
    expect(await findSources("photos", { annotations: csv })).toEqual({
      train: set("train"),
      val: set("val"),
      whole: undefined,
    });
    expect(await findSources("photos", { annotations: csv, splits: { train: "extra" } })).toMatchObject({
      train: set("extra"),
    });
  });

  it("of CSV without such a column, and of COCO, are one set", async () => {
    const plain = written("plain.csv", "path,labels\na.jpg,cat\n");
    expect(await findSources("photos", { annotations: plain })).toEqual({
      train: undefined,
      val: undefined,
      whole: { kind: "csv", file: plain, pictures: "photos" },
    });
    const coco = { kind: "coco", pictures: "photos", annotations: "x.json" };
    expect(await findSources("photos", { annotations: "x.json" })).toMatchObject({ whole: coco });
    await expect(findSources("photos", { annotations: "x.json", splits: { val: "dev" } })).rejects.toThrow(
      `x.json: COCO's JSON has no splits, but "dev" is asked for`,
    );
  });
});

describe("lists of names, as editors on Windows write them", () => {
  it("begin after the byte order mark", async () => {
    const names = ["cat", "dog"];
    expect(await readClassNames(written("lines.txt", "\ufeffcat\r\ndog\r\n"))).toEqual(names);
    expect(await readClassNames(written("names.json", `\ufeff${JSON.stringify(names)}`))).toEqual(names);
    expect(await readAliases(written("aliases.json", '\ufeff{"sofa": "couch"}'))).toEqual({ sofa: "couch" });
  });
});
