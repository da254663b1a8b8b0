/** The bytes are not a pickle that is understood. Readers turn it into a CheckpointError with the file's name. */
export class PickleFormatError extends Error {}

/** The pickle goes on behind the bytes at hand. */
export class PickleTruncatedError extends PickleFormatError {
  constructor() {
    super("the pickle ends too early");
  }
}

/** The pickle asks for a class or function outside the allow list. Readers turn it into a RefusedPickleError. */
export class PickleRefusal extends Error {
  readonly refused: string;
  constructor(refused: string) {
    super(refused);
    this.refused = refused;
  }
}
