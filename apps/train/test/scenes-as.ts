import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { EmojiScenes } from "asl-data";

interface Scene {
  /** Path of the picture. */
  readonly picture: string;
  readonly name: string;
  readonly classes: readonly string[];
}

function scenesOf({ pictures, annotations }: EmojiScenes): { scenes: readonly Scene[]; classes: readonly string[] } {
  const json: {
    images: { id: number; file_name: string }[];
    categories: { id: number; name: string }[];
    annotations: { image_id: number; category_id: number }[];
  } = JSON.parse(readFileSync(annotations, "utf8"));
  const nameOf = new Map(json.categories.map(({ id, name }) => [id, name]));
  const scenes = json.images.map(({ id, file_name }) => {
    const found = json.annotations
      .filter(({ image_id }) => image_id === id)
      .map((each) => nameOf.get(each.category_id)!);
    return { picture: join(pictures, file_name), name: file_name, classes: [...new Set(found)] };
  });
  return { scenes, classes: json.categories.map(({ name }) => name) };
}

const write = (file: string, text: string) => {
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, text);
};

const copy = (from: string, to: string) => {
  mkdirSync(join(to, ".."), { recursive: true });
  copyFileSync(from, to);
};

/** The scenes as a PASCAL-VOC tree: the last quarter is the split val, and every fifth object is difficult. */
export function asVoc(scenes: EmojiScenes, folder: string): void {
  const all = scenesOf(scenes).scenes;
  const id = (index: number) => String(index + 1).padStart(6, "0");
  const cut = Math.floor(0.75 * all.length);
  const lists = { train: all.slice(0, cut).map((_, i) => id(i)), val: all.slice(cut).map((_, i) => id(cut + i)) };
  for (const [split, ids] of Object.entries(lists))
    write(join(folder, `ImageSets/Main/${split}.txt`), `${ids.join("\n")}\n`);
  let objects = 0;
  all.forEach(({ picture, classes }, index) => {
    // the content counts, not the ending
    copy(picture, join(folder, `JPEGImages/${id(index)}.jpg`));
    const xml = classes.map((name) => {
      const difficult = objects++ % 5 === 4 ? 1 : 0;
      return `  <object>\n    <name>${name}</name>\n    <difficult>${difficult}</difficult>\n  </object>\n`;
    });
    write(join(folder, `Annotations/${id(index)}.xml`), `<annotation>\n${xml.join("")}</annotation>\n`);
  });
}

/** The scenes as one CSV file with a column of splits, beside the pictures. */
export function asCsv(scenes: EmojiScenes, folder: string): void {
  const all = scenesOf(scenes).scenes;
  const rows = all.map(({ name, classes }, i) => `${name},${classes.join("|")},${i % 4 === 3 ? "val" : "train"}`);
  for (const { picture, name } of all) copy(picture, join(folder, name));
  write(join(folder, "labels.csv"), `path,labels,split\n${rows.join("\n")}\n`);
}

/** The scenes as an excerpt of Open Images: of each picture only some classes were verified. */
export function asOpenImages(scenes: EmojiScenes, folder: string): void {
  const { scenes: all, classes } = scenesOf(scenes);
  const label = (index: number) => `/m/0e${index.toString(36).padStart(2, "0")}`;
  write(
    join(folder, "oidv6-class-descriptions.csv"),
    `LabelName,DisplayName\n${classes.map((name, i) => `${label(i)},${name}`).join("\n")}\n`,
  );
  write(join(folder, "oidv6-classes-trainable.txt"), `${classes.map((_, i) => label(i)).join("\n")}\n`);
  const rows: Record<"train" | "validation", string[]> = { train: [], validation: [] };
  all.forEach((scene, index) => {
    const split = index % 4 === 3 ? "validation" : "train";
    const id = (0xabc000 + index).toString(16).padStart(16, "0");
    copy(scene.picture, join(folder, split, `${id}.jpg`));
    classes.forEach((name, i) => {
      const verified = scene.classes.includes(name) || (index + i) % 3 === 0;
      if (verified) rows[split].push(`${id},verification,${label(i)},${scene.classes.includes(name) ? 1 : 0}`);
    });
  });
  for (const [split, lines] of Object.entries(rows)) {
    const name = split === "train" ? "oidv6-train" : split;
    write(
      join(folder, `${name}-annotations-human-imagelabels.csv`),
      `ImageID,Source,LabelName,Confidence\n${lines.join("\n")}\n`,
    );
  }
}

/** The scenes in NUS-WIDE's lists. */
export function asNusWide(scenes: EmojiScenes, folder: string): void {
  const { scenes: all, classes } = scenesOf(scenes);
  const cut = Math.floor(0.75 * all.length);
  write(join(folder, "ConceptsList/Concepts81.txt"), `${classes.join("\n")}\n`);
  for (const { picture, name } of all) copy(picture, join(folder, "Flickr/scenes", name));
  for (const [split, part] of [
    ["Train", all.slice(0, cut)],
    ["Test", all.slice(cut)],
  ] as const) {
    write(join(folder, `ImageList/${split}Imagelist.txt`), part.map(({ name }) => `scenes\\${name}\r\n`).join(""));
    for (const concept of classes) {
      const lines = part.map((scene) => (scene.classes.includes(concept) ? "1 \r\n" : "0 \r\n"));
      write(join(folder, `Groundtruth/TrainTestLabels/Labels_${concept}_${split}.txt`), lines.join(""));
    }
  }
}

/** The scenes in one folder per class, each in that of its first class; classes of val are in train, too. */
export function asFolders(scenes: EmojiScenes, folder: string): void {
  const trained = new Set<string>();
  scenesOf(scenes).scenes.forEach(({ picture, name, classes }, index) => {
    const [first] = classes;
    if (first === undefined) return;
    copy(picture, join(folder, index % 4 === 3 && trained.has(first) ? "val" : "train", first, name));
    trained.add(first);
  });
}
