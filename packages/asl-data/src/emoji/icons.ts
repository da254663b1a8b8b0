import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { DatasetError, messageOf } from "../errors.js";

/** Emoji sets that draw the same things in different styles. */
export type IconFamily = "noto" | "noto-v1" | "fluent-emoji-flat";

export const ICON_FAMILIES: readonly IconFamily[] = ["noto", "noto-v1", "fluent-emoji-flat"];

/** Sets of single-colour icons. */
export type PlainIconSet = "mdi" | "tabler";

interface IconifyIcon {
  readonly body: string;
  readonly left?: number;
  readonly top?: number;
  readonly width?: number;
  readonly height?: number;
}

/** What is read of an Iconify `icons.json`. */
interface IconifySet {
  readonly icons: Readonly<Record<string, IconifyIcon>>;
  readonly width?: number;
  readonly height?: number;
}

export interface IconSet {
  readonly name: IconFamily | PlainIconSet;
  readonly version: string;
  /** The icon as an SVG document of this many pixels in the longer side, or undefined when the set lacks it. */
  svg(icon: string, size: number): string | undefined;
}

const require = createRequire(import.meta.url);

/** The version of an installed icon package. Throws DatasetError when it is not installed. */
export function iconSetVersion(name: IconSet["name"]): string {
  try {
    return (require(`@iconify-json/${name}/package.json`) as { version: string }).version;
  } catch (thrown) {
    throw notInstalled(name, thrown);
  }
}

/** Throws DatasetError when the package is not installed. */
export async function openIconSet(name: IconSet["name"]): Promise<IconSet> {
  let set: IconifySet;
  try {
    set = JSON.parse(await readFile(require.resolve(`@iconify-json/${name}/icons.json`), "utf8")) as IconifySet;
  } catch (thrown) {
    throw notInstalled(name, thrown);
  }
  return {
    name,
    version: iconSetVersion(name),
    svg: (icon, size) => {
      if (!Object.hasOwn(set.icons, icon)) return undefined;
      const { body, left = 0, top = 0, width = set.width ?? 16, height = set.height ?? 16 } = set.icons[icon]!;
      const scale = size / Math.max(width, height);
      return (
        `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" ` +
        `viewBox="${left} ${top} ${width} ${height}" width="${width * scale}" height="${height * scale}">` +
        `${body.replaceAll("currentColor", "#ffffff")}</svg>`
      );
    },
  };
}

function notInstalled(name: string, thrown: unknown): DatasetError {
  return new DatasetError(
    `emoji scenes: the icons of @iconify-json/${name} cannot be read (${messageOf(thrown)}). Install the package again.`,
    { cause: thrown },
  );
}
