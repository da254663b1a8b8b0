import type { Random } from "asl-core";
import { type Canvas, paste } from "./canvas.js";
import { shapeSprite, turn } from "./sprite.js";

/** A cluttered background: a gradient of two colours, soft blotches, shapes, and noise in every pixel. */
export function paintBackground(canvas: Canvas, random: Random): void {
  paintGradient(canvas, random);
  addBlotches(canvas, random);
  const shapes = 2 + random.integer(6);
  for (let shape = 0; shape < shapes; shape++) {
    const long = canvas.size * random.between(0.06, 0.35);
    const sprite = shapeSprite(random, long, long * random.between(0.15, 1));
    const left = Math.round(random.between(0, canvas.size) - sprite.width / 2);
    const top = Math.round(random.between(0, canvas.size) - sprite.height / 2);
    paste(canvas, sprite, left, top);
  }
  addNoise(canvas, random, random.integer(14));
}

function paintGradient({ size, data }: Canvas, random: Random): void {
  const from = mutedColour(random);
  const to = mutedColour(random);
  const { cos, sin } = turn(random.between(0, 2 * Math.PI));
  for (let y = 0, at = 0; y < size; y++) {
    for (let x = 0; x < size; x++, at += 3) {
      const along = 0.5 + (cos * (x + 0.5 - size / 2) + sin * (y + 0.5 - size / 2)) / (1.42 * size);
      for (let channel = 0; channel < 3; channel++) {
        data[at + channel] = from[channel]! + (to[channel]! - from[channel]!) * along;
      }
    }
  }
}

/** Any brightness, half the saturation: as in photographs, vivid colours belong to things. */
function mutedColour(random: Random): readonly [number, number, number] {
  const grey = random.integer(256);
  const mixed = () => (grey + random.integer(256)) / 2;
  return [mixed(), mixed(), mixed()];
}

/** Value noise: random colours on a coarse grid, interpolated between. */
function addBlotches({ size, data }: Canvas, random: Random): void {
  const cells = 2 + random.integer(8);
  const strength = random.between(5, 45);
  const grid = Float64Array.from({ length: (cells + 1) * (cells + 1) * 3 }, () => random.between(-strength, strength));
  const stride = (cells + 1) * 3;
  for (let y = 0, at = 0; y < size; y++) {
    const gy = ((y + 0.5) * cells) / size;
    const row = Math.floor(gy);
    const fy = gy - row;
    for (let x = 0; x < size; x++) {
      const gx = ((x + 0.5) * cells) / size;
      const column = Math.floor(gx);
      const fx = gx - column;
      const corner = row * stride + column * 3;
      for (let channel = 0; channel < 3; channel++, at++) {
        const node = corner + channel;
        const upper = grid[node]! + (grid[node + 3]! - grid[node]!) * fx;
        const lower = grid[node + stride]! + (grid[node + stride + 3]! - grid[node + stride]!) * fx;
        data[at]! += upper + (lower - upper) * fy;
      }
    }
  }
}

/** Uniform noise of at most `strength` levels up or down; one random word gives all three channels. */
function addNoise({ data }: Canvas, random: Random, strength: number): void {
  if (strength === 0) return;
  const scale = strength / 127.5;
  for (let at = 0; at < data.length; at += 3) {
    const word = random.uint32();
    data[at]! += ((word & 255) - 127.5) * scale;
    data[at + 1]! += (((word >>> 8) & 255) - 127.5) * scale;
    data[at + 2]! += (((word >>> 16) & 255) - 127.5) * scale;
  }
}
