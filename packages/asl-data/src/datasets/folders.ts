import { readdir } from "node:fs/promises";
import { join, sep } from "node:path";
import type { Dataset, DatasetItem } from "../dataset.js";
import { DatasetError } from "../errors.js";
import { classTable, UnknownLabels } from "./class-table.js";
import { foldersIn, isFolder, isHidden, PICTURE_FILE } from "./files.js";
import type { DatasetOptions } from "./options.js";

export interface FolderTreeOptions extends DatasetOptions {
  /** Holds one folder of pictures per class, named as the class. */
  readonly folder: string;
}

/**
 * Opens a tree with one folder per class: FOLDER/cat/1.jpg shows "cat". Pictures deeper in a class's folder are of that
 * class, too. Hidden files and folders (.ipynb_checkpoints, ._1.jpg) are left out. Classes and pictures come in the
 * order of their names. Throws DatasetError.
 */
export async function openFolderTree(options: FolderTreeOptions): Promise<Dataset> {
  const { folder } = options;
  if (!(await isFolder(folder))) {
    throw new DatasetError(`${folder}: no such folder. Expected a folder with one folder of pictures per class.`);
  }
  const names = await foldersIn(folder);
  if (names.length === 0) {
    throw new DatasetError(`${folder}: has no folders in it. Expected one folder of pictures per class.`);
  }
  const { classes, indexOf } = classTable(names, options, folder);
  const unknown = new UnknownLabels(folder);
  const items: DatasetItem[] = [];
  for (const name of names) {
    const label = indexOf(name);
    const pictures = (await readdir(join(folder, name), { recursive: true })).filter(isPicture);
    if (label === undefined) {
      if (pictures.length > 0) unknown.add(`folder "${name}"`);
      continue;
    }
    for (const picture of pictures.sort()) {
      items.push({ name: join(name, picture), file: join(folder, name, picture), labels: [label] });
    }
  }
  unknown.check(classes);
  if (items.length === 0) {
    throw new DatasetError(
      `${folder}: none of its ${names.length} folders has a picture (.jpg, .png, .webp, ...). Expected one folder of ` +
        "pictures per class.",
    );
  }
  return { classes, items };
}

const isPicture = (file: string) => PICTURE_FILE.test(file) && !file.split(sep).some(isHidden);
