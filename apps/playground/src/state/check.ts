import { signal } from "@preact/signals";
import { proxy, wrap } from "comlink";
import type { CheckOutcome, CheckProgress, ConformanceWorker } from "../worker/conformance-protocol.js";
import type { BackendName } from "../worker/protocol.js";
import { announce, messageOf } from "./announce.js";
import { site } from "./site.js";

export type CheckState =
  | { readonly kind: "idle" }
  | { readonly kind: "running"; readonly progress: CheckProgress | null }
  | { readonly kind: "done"; readonly outcome: CheckOutcome }
  | { readonly kind: "failed"; readonly message: string };

export const check = signal<CheckState>({ kind: "idle" });

let thread: Worker | undefined;

/** Runs the conformance suite in a worker of its own. */
export async function startCheck(backend: BackendName): Promise<void> {
  cancelCheck();
  const own = new Worker(new URL("../worker/conformance-worker.ts", import.meta.url), {
    type: "module",
    name: "check",
  });
  thread = own;
  check.value = { kind: "running", progress: null };
  const show = (state: CheckState) => {
    if (thread === own) check.value = state;
  };
  try {
    const files = (site.value?.fixtures ?? []).map((name) => [name, new URL(name, document.baseURI).href] as const);
    if (files.length === 0) throw new Error("this copy of the page comes without the suite's fixtures");
    const onProgress = (progress: CheckProgress) => show({ kind: "running", progress });
    const outcome = await wrap<ConformanceWorker>(own).check(backend, files, proxy(onProgress));
    show({ kind: "done", outcome });
    announce(`The check is done: ${outcome.report.passed ? "all cases conform" : "some cases failed"}`);
  } catch (error) {
    show({ kind: "failed", message: messageOf(error) });
  } finally {
    own.terminate();
    if (thread === own) thread = undefined;
  }
}

export function cancelCheck(): void {
  thread?.terminate();
  thread = undefined;
  if (check.value.kind === "running") {
    check.value = { kind: "idle" };
    announce("The check is cancelled");
  }
}
