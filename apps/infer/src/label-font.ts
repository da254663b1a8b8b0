import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { create, type Font } from "fontkit";

/** Text as an SVG path, with its top left corner at the origin. */
export interface Lettering {
  readonly width: number;
  /** Path data ("M0 0L..."), or null when the font lacks a character: then the text must be drawn by the system. */
  readonly path: string | null;
}

const FONT_FILE = "@fontsource/dejavu-sans/files/dejavu-sans-latin-400-normal.woff";

let loaded: Font | undefined;

/**
 * Sets a line of text in DejaVu Sans, `size` pixels high, as outlines. A picture drawn with outlines is the same on a
 * machine without any font installed.
 */
export function letter(text: string, size: number): Lettering {
  loaded ??= loadFont();
  const font = loaded;
  if ([...text].some((character) => !font.hasGlyphForCodePoint(character.codePointAt(0)!))) {
    // An estimate: wide scripts and symbols take up to one em.
    return { width: [...text].length * size, path: null };
  }
  const scale = size / font.unitsPerEm;
  const { glyphs, positions, advanceWidth } = font.layout(text);
  let x = 0;
  const outlines = glyphs.map((glyph, index) => {
    const { xOffset, yOffset, xAdvance } = positions[index]!;
    // Fonts count y upwards from the baseline, pictures downwards.
    const outline = glyph.path.scale(scale, -scale).translate((x + xOffset) * scale, size - yOffset * scale);
    x += xAdvance;
    return outline.toSVG();
  });
  return { width: advanceWidth * scale, path: outlines.join("") };
}

function loadFont(): Font {
  const font = create(readFileSync(createRequire(import.meta.url).resolve(FONT_FILE)));
  if (!("layout" in font)) throw new Error(`${FONT_FILE} holds a collection of fonts where one font is expected`);
  return font;
}
