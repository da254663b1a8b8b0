import { statSync } from "node:fs";
import { InvalidArgumentError } from "@commander-js/extra-typings";
import { type CalibrationGoal, checkImageSize, InputError } from "asl-core";

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

/** More than any machine has cores for; a million would keep the machine busy with starting them. */
const MOST_THREADS = 256;

export const threadCount: ArgumentParser<number> = (text) => {
  const value = numberOf(text);
  const valid = Number.isInteger(value) && value >= 1 && value <= MOST_THREADS;
  return valid ? value : refuse(`a number of threads from 1 to ${MOST_THREADS}`, text);
};

export const wholeNumber: ArgumentParser<number> = (text) => {
  const value = numberOf(text);
  return Number.isSafeInteger(value) && value >= 0 ? value : refuse("a whole number from 0 on", text);
};

/** Of TCP; 0 means any free one. */
export const portNumber: ArgumentParser<number> = (text) => {
  const value = numberOf(text);
  return Number.isInteger(value) && value >= 0 && value <= 65_535 ? value : refuse("a port from 0 to 65535", text);
};

export const positiveNumber: ArgumentParser<number> = (text) => {
  const value = numberOf(text);
  return Number.isFinite(value) && value > 0 ? value : refuse("a number above 0", text);
};

export const nonNegativeNumber: ArgumentParser<number> = (text) => {
  const value = numberOf(text);
  return Number.isFinite(value) && value >= 0 ? value : refuse("a number from 0 on", text);
};

/** More than a minute is a mistake, and beyond 2^31 a timer does not wait at all. */
const LONGEST_DELAY = 60_000;

export const milliseconds: ArgumentParser<number> = (text) => {
  const value = numberOf(text);
  const valid = value >= 0 && value <= LONGEST_DELAY;
  return valid ? value : refuse(`milliseconds from 0 to ${LONGEST_DELAY}`, text);
};

/** A number in [0, 1]: thresholds, probabilities, shares. */
export const fraction: ArgumentParser<number> = (text) => {
  const value = numberOf(text);
  return value >= 0 && value <= 1 ? value : refuse("a number from 0 to 1", text);
};

const BYTE_UNITS: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
};

/** A number of bytes: "1.5GiB", "800MB". */
export const byteSize: ArgumentParser<number> = (text) => {
  const [, number = "", unit = ""] = /^([\d.]+)\s*(\w+)$/.exec(text.trim()) ?? [];
  const bytes = Math.floor(numberOf(number) * (Object.hasOwn(BYTE_UNITS, unit) ? BYTE_UNITS[unit]! : Number.NaN));
  return bytes > 0 ? bytes : refuse(`a size such as "1.5GiB" (units ${Object.keys(BYTE_UNITS).join(", ")})`, text);
};

/** Rows and columns of a matrix: "5000,80". */
export const matrixShape: ArgumentParser<readonly [rows: number, columns: number]> = (text) => {
  const [rows = 0, columns = 0, ...more] = text.split(/[,x]/).map(numberOf);
  const valid = more.length === 0 && [rows, columns].every((extent) => Number.isSafeInteger(extent) && extent >= 1);
  return valid ? [rows, columns] : refuse('rows and columns, such as "5000,80"', text);
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

/** What thresholds are calibrated for: "f1", or "precision=0.9". */
export const calibrationGoal: ArgumentParser<CalibrationGoal> = (text) => {
  if (text === "f1") return { kind: "f1" };
  const precision = numberOf(/^precision=([\d.]+)$/.exec(text)?.[1] ?? "");
  if (precision > 0 && precision <= 1) return { kind: "precision", precision };
  return refuse("f1, or precision=P with P above 0 and at most 1", text);
};
