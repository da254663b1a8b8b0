import { writeFileAtomically } from "asl-cli";
import type { AugmentOptions, Batch, Dataset } from "asl-data";
import { createLoader } from "asl-data";
import sharp from "sharp";

const ROWS = 8;
const EPOCHS = 7;

export interface PreviewOptions {
  readonly imageSize: number;
  readonly augment: AugmentOptions | false;
}

/**
 * Writes a page that needs no other file: the first pictures of the dataset as they are and as the first epochs of
 * training see them. Mixing takes other partners than in training, where a batch has other pictures.
 */
export async function writeAugmentationPreview(
  file: string,
  dataset: Dataset,
  { imageSize, augment }: PreviewOptions,
): Promise<{ readonly pictures: number; readonly epochs: number }> {
  const pictures = Math.min(ROWS, dataset.items.length);
  const common = { imageSize, batchSize: pictures, workers: 0, prefetch: 0 } as const;
  await using plain = createLoader(dataset, common);
  await using augmented = createLoader(dataset, { ...common, augment });
  const batches = [await firstBatch(plain, 0)];
  for (let epoch = 0; epoch < EPOCHS; epoch++) batches.push(await firstBatch(augmented, epoch));
  const columns = await Promise.all(batches.map((batch) => cellsOf(batch, dataset.classes, imageSize)));
  await writeFileAtomically(file, page({ columns, names: batches[0]!.names, augment }));
  return { pictures, epochs: EPOCHS };
}

async function firstBatch(loader: { epoch(epoch: number): AsyncIterable<Batch> }, epoch: number): Promise<Batch> {
  for await (const batch of loader.epoch(epoch)) return batch;
  throw new Error("a loader with pictures gives a batch");
}

interface Cell {
  readonly source: string;
  readonly labels: string;
}

/** Every picture of the batch as a data URL, with its classes; soft targets with their value. */
async function cellsOf(batch: Batch, classes: readonly string[], size: number): Promise<readonly Cell[]> {
  const plane = size * size;
  return await Promise.all(
    batch.indices.map(async (_, row) => {
      const bytes = new Uint8Array(3 * plane);
      const start = row * 3 * plane;
      for (let i = 0; i < bytes.length; i++) {
        bytes[i] = Math.round(batch.images.data[start + (i % 3) * plane + Math.floor(i / 3)]! * 255);
      }
      const image = sharp(bytes, { raw: { width: size, height: size, channels: 3 } });
      const small = size <= 128;
      const encoded = await (small ? image.png() : image.jpeg({ quality: 90 })).toBuffer();
      const targets = batch.targets.data.subarray(row * classes.length, (row + 1) * classes.length);
      const labels = classes.flatMap((name, label) => {
        const target = targets[label]!;
        return target > 0 ? [target === 1 ? name : `${name} ${target.toFixed(2)}`] : [];
      });
      const source = `data:image/${small ? "png" : "jpeg"};base64,${encoded.toString("base64")}`;
      return { source, labels: labels.join(", ") };
    }),
  );
}

const STYLE = `
body { font: 14px/1.4 system-ui, sans-serif; margin: 2rem; color: #0f172a; background: #f8fafc }
table { border-spacing: 6px } th { font-weight: 600; text-align: left; vertical-align: top }
td { vertical-align: top; width: 150px } img { width: 150px; height: 150px; border-radius: 4px; display: block }
img.small { image-rendering: pixelated } small { color: #475569; overflow-wrap: anywhere } code { font-size: 12px }
`;

function page({
  columns,
  names,
  augment,
}: {
  readonly columns: readonly (readonly Cell[])[];
  readonly names: readonly string[];
  readonly augment: AugmentOptions | false;
}): string {
  const heads = columns.map((_, column) => `<th>${column === 0 ? "as it is" : `epoch ${column}`}</th>`).join("");
  const rows = names.map((name, row) => {
    const cells = columns.map((cells) => {
      const { source, labels } = cells[row]!;
      return `<td><img src="${source}" alt="${escaped(name)}"><small>${escaped(labels)}</small></td>`;
    });
    return `<tr>${cells.join("")}</tr>`;
  });
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Augmented pictures</title><style>${STYLE}</style></head>
<body><h1>Augmented pictures</h1>
<p>What training sees of the first ${names.length} pictures. <code>${escaped(JSON.stringify(augment))}</code></p>
<table><thead><tr>${heads}</tr></thead><tbody>
${rows.join("\n")}
</tbody></table></body></html>
`;
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const escaped = (text: string) => text.replaceAll(/[&<>"]/g, (character) => ENTITIES[character]!);
