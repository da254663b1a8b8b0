import { statSync } from "node:fs";
import { InvalidArgumentError } from "@commander-js/extra-typings";
import { checkImageSize, InputError } from "asl-core";

/** Argument parsers: each returns the value or throws what was expected and what came. */
export type ArgumentParser<T> = (text: string) => T;

/** For a parser of one's own: throws "Expected ...; got ...". */
export const refuse = (expected: string, text: string): never => {
  throw new InvalidArgumentError(`Expected ${expected}; got "${text}".`);
};

const numberOf = (text: string): number => (text.trim() === "" ? Number.NaN : Number(text));

export const positiveInteger: ArgumentParser<number> = (text) => {
  const value = numberOf(text);
  return Number.isSafeInteger(value) && value >= 1 ? value : refuse("a whole number from 1 on", text);
};

export const wholeNumber: ArgumentParser<number> = (text) => {
  const value = numberOf(text);
  return Number.isSafeInteger(value) && value >= 0 ? value : refuse("a whole number from 0 on", text);
};

export const positiveNumber: ArgumentParser<number> = (text) => {
  const value = numberOf(text);
  return Number.isFinite(value) && value > 0 ? value : refuse("a number above 0", text);
};

export const nonNegativeNumber: ArgumentParser<number> = (text) => {
  const value = numberOf(text);
  return Number.isFinite(value) && value >= 0 ? value : refuse("a number from 0 on", text);
};

/** A number in [0, 1]: thresholds, probabilities, shares. */
export const fraction: ArgumentParser<number> = (text) => {
  const value = numberOf(text);
  return value >= 0 && value <= 1 ? value : refuse("a number from 0 to 1", text);
};

/** Four block counts: "2,2,2,1". */
export const stageBlocks: ArgumentParser<readonly [number, number, number, number]> = (text) => {
  const [first, second, third, fourth, ...more] = text.split(",").map(numberOf);
  const counts = [first ?? 0, second ?? 0, third ?? 0, fourth ?? 0] as const;
  const valid = more.length === 0 && counts.every((count) => Number.isSafeInteger(count) && count >= 1);
  return valid ? counts : refuse('four whole numbers from 1 on, such as "2,2,2,1"', text);
};

/** Side of the square pictures in pixels: a multiple of 4, at least 20. */
export const imageSize: ArgumentParser<number> = (text) => {
  const value = numberOf(text);
  if (!Number.isFinite(value)) refuse("a number of pixels", text);
  try {
    checkImageSize(value);
  } catch (error) {
    if (error instanceof InputError) throw new InvalidArgumentError(`${error.message}.`);
    throw error;
  }
  return value;
};

export const existingFile: ArgumentParser<string> = (text) => {
  const found = statSync(text, { throwIfNoEntry: false });
  if (found === undefined) return refuse("an existing file; there is nothing at this path", text);
  return found.isDirectory() ? refuse("a file; this is a folder", text) : text;
};

export const existingFolder: ArgumentParser<string> = (text) => {
  const found = statSync(text, { throwIfNoEntry: false });
  if (found === undefined) return refuse("an existing folder; there is nothing at this path", text);
  return found.isDirectory() ? text : refuse("a folder; this is a file", text);
};

/** One of a fixed set of names. */
export function oneOf<T extends string>(names: readonly T[], what = "one of"): ArgumentParser<T> {
  return (text) => names.find((name) => name === text) ?? refuse(`${what} ${names.join(", ")}`, text);
}
