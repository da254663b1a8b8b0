import type { JpegComponent, JpegFile, JpegScan } from "./file.js";

/** A component's samples and blocks. */
export interface BlockGrid {
  readonly component: JpegComponent;
  /** Samples of the picture itself. */
  readonly width: number;
  readonly height: number;
  /** Blocks with those that fill up the last MCUs. */
  readonly across: number;
  readonly down: number;
}

/** T.81, A.1.1 and A.2.4: a component has ceil(width H / Hmax) samples a row; an MCU has H x V of its blocks. */
export function gridsOf(file: JpegFile): BlockGrid[] {
  const largest = largestFactors(file);
  const mcus = mcusOfAll(file);
  return file.components.map((component) => ({
    component,
    width: Math.ceil((file.width * component.across) / largest.across),
    height: Math.ceil((file.height * component.down) / largest.down),
    across: mcus.across * component.across,
    down: mcus.down * component.down,
  }));
}

/** MCUs across and down of a scan: those of the picture, or the blocks of a single component that show the picture. */
export function mcusOf(scan: JpegScan, file: JpegFile): readonly [number, number] {
  const [only, ...others] = scan.components;
  if (only === undefined || others.length > 0) {
    const { across, down } = mcusOfAll(file);
    return [across, down];
  }
  const { width, height } = gridsOf(file)[only.index]!;
  return [Math.ceil(width / 8), Math.ceil(height / 8)];
}

function largestFactors({ components }: JpegFile): { across: number; down: number } {
  return {
    across: Math.max(...components.map(({ across }) => across)),
    down: Math.max(...components.map(({ down }) => down)),
  };
}

function mcusOfAll(file: JpegFile): { across: number; down: number } {
  const largest = largestFactors(file);
  return { across: Math.ceil(file.width / (8 * largest.across)), down: Math.ceil(file.height / (8 * largest.down)) };
}
