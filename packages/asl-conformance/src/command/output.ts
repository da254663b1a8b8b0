/** Where the command writes. */
export interface Output {
  /** Results. */
  print(text: string): void;
  /** Progress; ends in no newline of its own. */
  progress(text: string): void;
}
