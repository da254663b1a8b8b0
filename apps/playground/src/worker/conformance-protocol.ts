import type { Report, Summary } from "asl-conformance/browser";
import type { BackendName } from "./protocol.js";

export interface CheckProgress {
  readonly done: number;
  readonly total: number;
  readonly failed: number;
}

/** The result of a check, as data and as a page. */
export interface CheckOutcome {
  readonly backend: BackendName;
  readonly device: string;
  readonly report: Report;
  readonly json: { readonly device: string; readonly userAgent: string } & Summary;
  /** A whole page without scripts. */
  readonly html: string;
}

export interface ConformanceWorker {
  /** `files` by their place in the site, with the URL to fetch each from. To cancel, end the worker. */
  check(
    backend: BackendName,
    files: readonly (readonly [name: string, url: string])[],
    onProgress: (progress: CheckProgress) => void,
  ): Promise<CheckOutcome>;
}
