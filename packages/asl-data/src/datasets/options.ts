/** What opening a dataset of any kind takes. */
export interface DatasetOptions {
  /**
   * The classes and their order, for example a checkpoint's; matched by name, and a label of any other class is an
   * error. Default: the dataset's own.
   */
  readonly classes?: readonly string[];
  /** Other names of classes, by the name in the dataset: { tvmonitor: "tv" }. */
  readonly aliases?: Readonly<Record<string, string>>;
  /** Leave out pictures without any positive label. Default false: they are kept, every class negative. */
  readonly dropUnannotated?: boolean;
  /** Leave out pictures whose file is missing; `onMissing` is told. Default false: an error that lists them. */
  readonly skipMissing?: boolean;
  readonly onMissing?: (missing: MissingPictures) => void;
}

export interface MissingPictures {
  readonly count: number;
  readonly total: number;
  /** Of the first few. */
  readonly names: readonly string[];
}
