import { InputError } from "asl-core";

/** What an exported ONNX file says about itself in its metadata_props (see the README of asl-export for the keys). */
export interface OnnxMetadata {
  readonly labels?: readonly string[];
  readonly thresholds?: number | readonly number[];
  readonly imageSize?: number;
  readonly resizeFilter?: "bicubic" | "bilinear";
}

/**
 * Reads the metadata; keys that are missing are left out. Throws InputError naming file and key for a value that does
 * not make sense: a wrong label or size would silently give wrong tags.
 */
export function parseOnnxMetadata(file: string, metadata: Readonly<Record<string, string>>): OnnxMetadata {
  const fail = (key: string, expected: string): never => {
    throw new InputError(`${file}: its metadata "${key}" should be ${expected}; found ${shorten(metadata[key]!)}`);
  };
  const { labels, thresholds, image_size: size, resize_filter: filter } = metadata;
  return {
    ...(labels === undefined ? {} : { labels: parseLabels(labels) ?? fail("labels", "a JSON array of names") }),
    ...(thresholds === undefined
      ? {}
      : {
          thresholds:
            parseThresholds(thresholds) ?? fail("thresholds", "a number from 0 to 1, or a JSON array of them"),
        }),
    ...(size === undefined ? {} : { imageSize: parseSize(size) ?? fail("image_size", "a number of pixels") }),
    ...(filter === undefined
      ? {}
      : { resizeFilter: parseFilter(filter) ?? fail("resize_filter", '"bicubic" or "bilinear"') }),
  };
}

function parseLabels(text: string): readonly string[] | undefined {
  const value = parse(text);
  return Array.isArray(value) && value.every((label) => typeof label === "string") ? value : undefined;
}

function parseThresholds(text: string): number | readonly number[] | undefined {
  const value = parse(text);
  const isThreshold = (each: unknown): each is number => typeof each === "number" && each >= 0 && each <= 1;
  if (isThreshold(value)) return value;
  return Array.isArray(value) && value.every(isThreshold) ? value : undefined;
}

function parseSize(text: string): number | undefined {
  const value = Number(text);
  return Number.isSafeInteger(value) && value > 0 ? value : undefined;
}

function parseFilter(text: string): "bicubic" | "bilinear" | undefined {
  return text === "bicubic" || text === "bilinear" ? text : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const shorten = (text: string) => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text);
