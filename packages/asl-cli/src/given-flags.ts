/**
 * The flags of those options that were given, "--html, --val-scenes", or "" when none was. For options without a default:
 * one with a default always looks given.
 */
export function givenFlags<Options extends object>(
  options: Options,
  names: readonly (keyof Options & string)[],
): string {
  return names
    .filter((name) => options[name] !== undefined)
    .map(flagOf)
    .join(", ");
}

/** "valScenes" -> "--val-scenes". */
const flagOf = (name: string) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
