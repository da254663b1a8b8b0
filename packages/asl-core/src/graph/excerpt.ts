const LONGEST = 80;

/** The beginning of any value, for error messages about data from outside. */
export function excerpt(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = typeof value === "object" || typeof value === "string" ? JSON.stringify(value) : String(value);
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}...`;
}
