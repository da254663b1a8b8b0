import type { TensorData, Tensors } from "asl-core";
import { CheckpointError } from "../errors.js";
import type { ByteSource } from "../file/byte-source.js";
import { type Begun, type IsLater, NONE_LATER, whole } from "../file/later.js";
import type { Host } from "../host.js";
import { beginPth } from "../pth/pth-from.js";
import type { StateDictOptions, WeightsKind } from "../pth/state-dict.js";
import { SafetensorsFile } from "../safetensors/safetensors-file.js";
import { inspectTresnet, type TresnetArchitecture } from "../tresnet/architecture.js";
import { timmToOfficial } from "../tresnet/convert-names.js";
import { isWithoutWeight, type KeyScheme, keySchemeOf } from "../tresnet/key-names.js";
import { CHECKPOINT_KEY, SNAPSHOT_KEY } from "./formats.js";
import { type CheckpointMetadata, parseMetadata } from "./metadata.js";
import { unwrap } from "./prefix.js";
import { recognise } from "./recognise.js";

export interface Checkpoint {
  /** Under official names, real numbers as Float32Array. */
  readonly tensors: Tensors;
  /** null unless `writeCheckpoint` wrote the file. */
  readonly metadata: CheckpointMetadata | null;
  /** "asl" is a safetensors file that `writeCheckpoint` wrote. */
  readonly format: "pth-zip" | "pth-legacy" | "safetensors" | "asl";
  /** The names in the file; null when they are no TResNet's. */
  readonly keyScheme: KeyScheme | null;
  /** null when the tensors are no TResNet's. */
  readonly architecture: TresnetArchitecture | null;
  readonly classNames: readonly string[] | null;
  /** Where the tensors stood in a .pth: dictionary keys joined by dots, "" for the top level. */
  readonly stateDict: string;
  /** What was found, taken off, converted or left out, one sentence each, for a log. */
  readonly notes: readonly string[];
}

interface RawCheckpoint extends Pick<Checkpoint, "tensors" | "metadata" | "format" | "classNames" | "stateDict"> {
  readonly notes: readonly string[];
}

/** `readCheckpoint` for bytes that are open already. */
export const checkpointFrom = (source: ByteSource, options: StateDictOptions, host: Host): Promise<Checkpoint> =>
  whole(beginCheckpointFrom(source, options, host, NONE_LATER));

/** The same while some of the numbers are still being read. */
export async function beginCheckpointFrom(
  source: ByteSource,
  options: StateDictOptions,
  host: Host,
  isLater: IsLater,
): Promise<Begun<Checkpoint>> {
  const { content: raw, rest } = await beginRaw(source, options, host, isLater);
  try {
    return { content: await checkpointOf(source.file, raw, rest, options), rest };
  } catch (error) {
    // the file is not to be closed before
    await rest.catch(() => undefined);
    throw error;
  }
}

async function checkpointOf(
  file: string,
  raw: RawCheckpoint,
  rest: Promise<void>,
  options: StateDictOptions,
): Promise<Checkpoint> {
  const unwrapped = unwrap(file, raw.tensors, prefixChoice(raw.format, options));
  const scheme = keySchemeOf(Object.keys(unwrapped.tensors));
  if (scheme === "mixed") {
    throw new CheckpointError(file, "its names are partly official (X.0.weight) and partly timm's (X.conv.weight)");
  }
  // what comes from timm is computed with
  if (scheme === "timm") await rest;
  const converted = scheme === "timm" ? timmToOfficial(unwrapped.tensors) : withoutConstants(unwrapped.tensors);
  const tensors = inFloat32(converted.tensors);
  const notes = [...raw.notes, ...unwrapped.notes];
  if (scheme === "timm") notes.push("timm's names were converted to the official ones");
  return {
    ...raw,
    tensors,
    keyScheme: scheme,
    architecture: scheme === null ? null : inspectTresnet(tensors, file),
    notes: [...notes, ...converted.notes],
  };
}

async function beginRaw(
  source: ByteSource,
  options: StateDictOptions,
  host: Host,
  isLater: IsLater,
): Promise<Begun<RawCheckpoint>> {
  if ((await recognise(source)) === "safetensors") return await beginRawSafetensors(source, options, host, isLater);
  const { content: pth, rest } = await beginPth(source, options, host, isLater);
  const notes = [`the state dict stands ${pth.stateDict === "" ? "at the top level" : `under "${pth.stateDict}"`}`];
  if (pth.skipped.length > 0) notes.push(`${pth.skipped.length} values of it are no tensors and were left out`);
  return { content: { ...pth, metadata: null, notes }, rest };
}

async function beginRawSafetensors(
  file: ByteSource,
  options: StateDictOptions,
  host: Host,
  isLater: IsLater,
): Promise<Begun<RawCheckpoint>> {
  const safetensors = await SafetensorsFile.over(file, host);
  const own = safetensors.metadata[CHECKPOINT_KEY];
  if (safetensors.metadata[SNAPSHOT_KEY] !== undefined) {
    throw new CheckpointError(
      file.file,
      "this is a training snapshot; resume the training with it, or use a checkpoint that the training wrote",
    );
  }
  const metadata = own === undefined ? null : parseMetadata(file.file, own);
  if (metadata !== null && options.weights !== undefined && options.weights !== metadata.weights) {
    throw new CheckpointError(file.file, `holds the ${metadata.weights} weights, not the ${options.weights} ones`);
  }
  const { content: tensors, rest } = await safetensors.beginAll(isLater);
  const format = own === undefined ? "safetensors" : "asl";
  const classNames = metadata?.classNames ?? null;
  return { content: { tensors, metadata, format, classNames, stateDict: "", notes: [] }, rest };
}

/** In a .pth the state dict was chosen already, and our own files hold one network: its prefix says nothing more. */
function prefixChoice(format: Checkpoint["format"], options: StateDictOptions): WeightsKind | "any" {
  if (format === "asl") return "any";
  if (format === "safetensors") return options.weights ?? "regular";
  return options.weights === "ema" || options.stateDict !== undefined ? "any" : "regular";
}

function withoutConstants(tensors: Tensors): { tensors: Tensors; notes: readonly string[] } {
  const kept = Object.entries(tensors).filter(([name]) => !isWithoutWeight(name));
  return { tensors: Object.fromEntries(kept), notes: [] };
}

/** Double precision is rounded to f32, the precision of a model's state on every backend. */
function inFloat32(tensors: Tensors): Tensors {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]): [string, TensorData] => [
      name,
      tensor.data instanceof Float64Array ? { type: tensor.type, data: Float32Array.from(tensor.data) } : tensor,
    ]),
  );
}
