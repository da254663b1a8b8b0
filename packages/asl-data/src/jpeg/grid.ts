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

/** The blocks of each component, and how many MCUs of all of them the picture has across and down. */
export interface Grids {
  readonly components: readonly BlockGrid[];
  readonly mcus: readonly [number, number];
}

/** T.81, A.1.1 and A.2.4: a component has ceil(width H / Hmax) samples a row; an MCU has H x V of its blocks. */
export function gridsOf({ width, height, components }: JpegFile): Grids {
  const most = { across: 1, down: 1 };
  for (const { across, down } of components) {
    most.across = Math.max(most.across, across);
    most.down = Math.max(most.down, down);
  }
  const mcus = [Math.ceil(width / (8 * most.across)), Math.ceil(height / (8 * most.down))] as const;
  const grids = components.map((component) => ({
    component,
    width: Math.ceil((width * component.across) / most.across),
    height: Math.ceil((height * component.down) / most.down),
    across: mcus[0] * component.across,
    down: mcus[1] * component.down,
  }));
  return { components: grids, mcus };
}

/** MCUs across and down of a scan: those of the picture, or the blocks of a single component that show the picture. */
export function mcusOf(scan: JpegScan, { components, mcus }: Grids): readonly [number, number] {
  if (scan.components.length > 1) return mcus;
  const { width, height } = components[scan.components[0]!.index]!;
  return [Math.ceil(width / 8), Math.ceil(height / 8)];
}
