/** How many offenders an error lists. */
export const LISTED = 5;

/** "a, b, c, d, e and 7 more". */
export function listed(values: readonly string[], count = values.length): string {
  const rest = count - Math.min(LISTED, values.length);
  return values.slice(0, LISTED).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}

/** A value of a file for a message, at most 60 characters of it. */
export function shown(value: unknown): string {
  const text = value === undefined ? "nothing" : (JSON.stringify(value) ?? String(value));
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
