import { AslError } from "asl-core";

const MAX_MESSAGE = 2000;

/** A file that cannot be read or written as what it should be. The message starts with the file's name. */
export class CheckpointError extends AslError {
  readonly file: string;
  constructor(file: string, detail: string, options?: ErrorOptions & { readonly code?: string }) {
    super(options?.code ?? "ERR_ASL_CHECKPOINT", `${file}: ${printable(detail)}`, options);
    this.file = file;
  }
}

/** Names come out of files: control characters in them would reach a terminal, and some are very long. */
function printable(text: string): string {
  const escaped = text.replace(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (character) => `\\u${character.codePointAt(0)!.toString(16).padStart(4, "0")}`,
  );
  return escaped.length > MAX_MESSAGE ? `${escaped.slice(0, MAX_MESSAGE)}...` : escaped;
}

/** A pickle asks for a class or function that is neither a tensor nor a plain container. Nothing of it was run. */
export class RefusedPickleError extends CheckpointError {
  /** The Python name that was refused, e.g. `posix.system`. */
  readonly refused: string;
  constructor(file: string, refused: string) {
    super(
      file,
      `refused to build "${refused.length > 100 ? `${refused.slice(0, 100)}...` : refused}": only tensors and plain containers are read; nothing of the file was run. ` +
        "If the file is a whole pickled model or holds other objects, save its state dict alone in Python: " +
        "torch.save(model.state_dict(), FILE)",
      { code: "ERR_ASL_CHECKPOINT_REFUSED" },
    );
    this.refused = refused;
  }
}

/** The cause of an unknown thrown value, as one clause for a message. */
export function causeOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** `code` of a Node.js system error (`ENOENT`), or "". */
export function systemCode(error: unknown): string {
  if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
  return "";
}
