import { AslError } from "asl-core";

/** Why a picture could not be had. */
export type PictureErrorReason = "missing" | "unreadable" | "empty" | "format" | "damaged" | "tooLarge";

/** A picture file that cannot be turned into pixels; the message names the file, the cause and what to do. */
export class PictureError extends AslError {
  /** Path of the file, or the name given with the bytes. */
  readonly file: string;
  readonly reason: PictureErrorReason;
  constructor(file: string, reason: PictureErrorReason, message: string, options?: ErrorOptions) {
    super("ERR_ASL_PICTURE", message, options);
    this.file = file;
    this.reason = reason;
  }
}

/** A dataset's folder or annotation file that breaks its format; the message says where, what and what to do. */
export class DatasetError extends AslError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_ASL_DATASET", message, options);
  }
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The `code` of a file system error ("ENOENT"), or "" for any other error. */
export function systemCodeOf(thrown: unknown): string {
  if (!(thrown instanceof Error) || !("syscall" in thrown) || !("code" in thrown)) return "";
  return typeof thrown.code === "string" ? thrown.code : "";
}
