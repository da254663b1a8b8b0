import type { Dataset } from "../dataset.js";
import { type CocoOptions, openCoco } from "./coco.js";
import { type CsvOptions, openCsv } from "./csv.js";
import { type FolderTreeOptions, openFolderTree } from "./folders.js";
import { type NusWideOptions, openNusWide } from "./nus-wide.js";
import { type OpenImagesOptions, openOpenImages } from "./open-images.js";
import type { DatasetOptions } from "./options.js";
import { openVoc, type VocOptions } from "./voc.js";

/** What each kind of dataset needs beside the options of all. */
interface Places extends Readonly<Record<DatasetKind, object>> {
  readonly coco: Omit<CocoOptions, keyof DatasetOptions>;
  readonly voc: Omit<VocOptions, keyof DatasetOptions>;
  readonly "nus-wide": Omit<NusWideOptions, keyof DatasetOptions>;
  readonly "open-images": Omit<OpenImagesOptions, keyof DatasetOptions>;
  readonly folders: Omit<FolderTreeOptions, keyof DatasetOptions>;
  readonly csv: Omit<CsvOptions, keyof DatasetOptions>;
}

export type DatasetKind = "coco" | "voc" | "nus-wide" | "open-images" | "folders" | "csv";

/** Where a dataset of some kind is: plain data. */
export type DatasetSource<Kind extends DatasetKind = DatasetKind> = {
  readonly [K in Kind]: { readonly kind: K } & Places[K];
}[Kind];

type Openers = { readonly [K in DatasetKind]: (options: Places[K] & DatasetOptions) => Promise<Dataset> };

const OPEN: Openers = {
  coco: openCoco,
  voc: openVoc,
  "nus-wide": openNusWide,
  "open-images": openOpenImages,
  folders: openFolderTree,
  csv: openCsv,
};

export const DATASET_KINDS = Object.keys(OPEN) as readonly DatasetKind[];

/** Opens a dataset of any kind. Throws DatasetError. */
export async function openDataset<Kind extends DatasetKind>(
  source: DatasetSource<Kind>,
  options: DatasetOptions = {},
): Promise<Dataset> {
  // the table and the union agree by construction, which the checker cannot see through the union
  const open = OPEN[source.kind] as (options: DatasetSource<Kind> & DatasetOptions) => Promise<Dataset>;
  return await open({ ...source, ...options });
}

/** A source in words: "VOCdevkit/VOC2007 (trainval)". */
export function describeSource(source: DatasetSource): string {
  switch (source.kind) {
    case "coco":
      return `${source.pictures} (${source.annotations})`;
    case "voc":
    case "nus-wide":
      return `${source.folder} (${source.split})`;
    case "open-images":
      return `${source.pictures} (${source.labels})`;
    case "folders":
      return source.folder;
    case "csv":
      return source.split === undefined ? source.file : `${source.file} (${source.split})`;
  }
}
