import { AslError } from "asl-core";

/** A model that cannot be had: unknown name, no network, a server's answer, a damaged download. Says what to do. */
export class ZooError extends AslError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_ASL_ZOO", message, options);
  }
}
