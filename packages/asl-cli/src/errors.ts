import { AslError } from "asl-core";

/** Arguments that cannot be right together, found after parsing. Exit code 2. */
export class UsageError extends AslError {
  constructor(message: string) {
    super("ERR_ASL_USAGE", message);
  }
}

/** The reason of the abort signal after Ctrl-C or a request to terminate. */
export class InterruptedError extends AslError {
  readonly exitCode: number;
  constructor(message: string, exitCode: number) {
    super("ERR_ASL_INTERRUPTED", message);
    this.exitCode = exitCode;
  }
}

interface SystemError extends Error {
  readonly code: string;
  readonly syscall: string;
  readonly path?: string;
}

const isSystemError = (error: unknown): error is SystemError =>
  error instanceof Error && "code" in error && typeof error.code === "string" && "syscall" in error;

const SYSTEM_MESSAGES: Readonly<Record<string, string>> = {
  ENOENT: "no such file or folder",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EROFS: "the file system is read-only",
  ENOSPC: "no space left on the disk; free some space or choose another folder",
  EDQUOT: "the disk quota is used up",
  EISDIR: "is a folder, not a file",
  ENOTDIR: "is a file where a folder was expected",
  EMFILE: "too many open files",
  EEXIST: "something with this name is there already",
  ENOTEMPTY: "the folder is there and not empty",
};

/** Folders are made with the folders above them, so that none can be missing: on a read-only disk Node says so all the same. */
const FOLDER_MESSAGES: Readonly<Record<string, string>> = {
  ENOENT: "this folder cannot be made; is the disk read-only?",
  EEXIST: "a file stands where this folder should be",
};

/**
 * One clear line for people. Errors thrown on purpose (AslError) say all themselves; of the operating system's errors
 * the path and the meaning are given; anything else is a mistake in this program and is named as such.
 */
export function describeError(error: unknown): string {
  if (error instanceof AslError) return error.message;
  if (isSystemError(error)) {
    const meaning = meaningOf(error);
    return error.path === undefined ? meaning : `${error.path}: ${meaning}`;
  }
  if (error instanceof Error) return `unexpected ${error.name}: ${error.message} (--debug shows where)`;
  return `unexpected error: ${String(error)}`;
}

function meaningOf(error: SystemError): string {
  const meanings = error.syscall === "mkdir" ? FOLDER_MESSAGES : SYSTEM_MESSAGES;
  return meanings[error.code] ?? SYSTEM_MESSAGES[error.code] ?? error.message;
}

/** The meaning of an operating system's error without the path; undefined for any other error. */
export const systemMeaning = (error: unknown): string | undefined =>
  isSystemError(error) ? meaningOf(error) : undefined;
