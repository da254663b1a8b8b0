import { writeFile } from "node:fs/promises";
import path from "node:path";
import { createRandom, f32 } from "asl-core";
import { resize, toTensor } from "asl-data";
import sharp from "sharp";

/** A disc on a ramp of colours under some noise, the same on every run: u8[count,height,width,3]. */
export function drawnPictures(count, height, width) {
  const random = createRandom(0, "drawn pictures", height, width);
  const data = new Uint8Array(count * height * width * 3);
  for (let picture = 0, i = 0; picture < count; picture++) {
    const [x0, y0, size] = [random.uniform(), random.uniform(), 0.1 + 0.4 * random.uniform()];
    const [left, right, disc] = [0, 1, 2].map(() => [0, 1, 2].map(() => 200 * random.uniform()));
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const [x, y] = [column / width, row / height];
        const inside = Math.hypot(x - x0, y - y0) < size;
        for (let channel = 0; channel < 3; channel++) {
          const ramp = left[channel] + (right[channel] - left[channel]) * x;
          data[i++] = Math.round((inside ? disc[channel] : ramp) + 55 * random.uniform());
        }
      }
    }
  }
  return { dtype: "uint8", shape: [count, height, width, 3], data };
}

const rowsOf = ({ shape: [count, height, width], data }) =>
  Array.from({ length: count }, (_, index) => {
    const size = height * width * 3;
    return { width, height, data: data.subarray(index * size, (index + 1) * size) };
  });

/** As the loader makes them: f32[count,3,size,size] in [0,1], resized as Pillow does. */
export function tensorsOf(pictures, size, filter) {
  const rows = rowsOf(pictures);
  const pixels = new Float32Array(rows.length * 3 * size * size);
  for (const [index, picture] of rows.entries()) {
    const isThatSize = picture.width === size && picture.height === size;
    const resized = isThatSize ? picture : resize(picture, size, size, filter);
    toTensor(resized, pixels.subarray(index * 3 * size * size));
  }
  return f32([rows.length, 3, size, size], pixels);
}

/** As PNG files in the folder. */
export async function writePictures(folder, pictures) {
  for (const [index, { width, height, data }] of rowsOf(pictures).entries()) {
    const png = await sharp(data, { raw: { width, height, channels: 3 } })
      .png()
      .toBuffer();
    await writeFile(path.join(folder, `${index}.png`), png);
  }
}
