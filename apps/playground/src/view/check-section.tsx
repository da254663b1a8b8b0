import { useState } from "preact/hooks";
import { cancelCheck, check, startCheck } from "../state/check.js";
import { download } from "../state/download.js";
import { BACKEND_TITLES } from "../state/model.js";
import type { CheckOutcome, CheckProgress } from "../worker/conformance-protocol.js";
import type { BackendName } from "../worker/protocol.js";

const BUTTONS: readonly (readonly [BackendName, string])[] = [
  ["webgpu", "Check my GPU"],
  ["wasm", "Check WebAssembly"],
];

export function CheckSection() {
  const state = check.value;
  return (
    <section class="panel" aria-labelledby="check-title">
      <h2 id="check-title">Check my GPU</h2>
      <p>
        Runs the conformance suite on your device: every operation, the losses and their gradients, against the exact
        answers. Where no rounding is involved no bit may differ; elsewhere the error has a proven bound. It may take a
        few minutes.
      </p>
      {state.kind === "running" ? (
        <Running progress={state.progress} />
      ) : (
        <div class="row">
          {BUTTONS.map(([name, title], i) => (
            <button key={name} type="button" class={i === 0 ? "primary" : ""} onClick={() => void startCheck(name)}>
              {title}
            </button>
          ))}
        </div>
      )}
      {state.kind === "failed" && (
        <p class="error" role="alert">
          The check could not run: {state.message}
        </p>
      )}
      {state.kind === "done" && <Outcome outcome={state.outcome} />}
    </section>
  );
}

function Running({ progress }: { readonly progress: CheckProgress | null }) {
  const { done = 0, total = 0, failed = 0 } = progress ?? {};
  return (
    <div class="working">
      <label class="grow">
        <span>
          {progress === null
            ? "Fetching the cases …"
            : `${done} of ${total} cases${failed > 0 ? `, ${failed} failed` : ""}`}
        </span>
        <progress value={progress === null ? undefined : done} max={Math.max(1, total)} />
      </label>
      <button type="button" onClick={cancelCheck}>
        Cancel
      </button>
    </div>
  );
}

function Outcome({ outcome }: { readonly outcome: CheckOutcome }) {
  const { backend, device, report, json, html } = outcome;
  const { outcomes, seconds, passed } = report;
  const count = (status: string) => outcomes.filter((each) => each.status === status).length;
  const name = `conformance-${backend}`;
  return (
    <>
      <p class={passed ? "verdict good" : "verdict bad"} data-testid="verdict">
        <strong>{passed ? "Your device conforms." : "Your device differs."}</strong> {count("passed")} of{" "}
        {outcomes.length} cases passed
        {count("deviates") > 0 && `, ${count("deviates")} deviate where the standard allows it`}
        {count("failed") > 0 && `, ${count("failed")} failed`}, in {seconds.toFixed(0)} s on {BACKEND_TITLES[backend]} (
        {device}).
      </p>
      <div class="row">
        <button
          type="button"
          onClick={() => download(`${name}.json`, `${JSON.stringify(json, null, 2)}\n`, "application/json")}
        >
          Download JSON
        </button>
        <button type="button" onClick={() => download(`${name}.html`, html, "text/html")}>
          Download HTML
        </button>
      </div>
      <ReportFrame html={html} />
    </>
  );
}

/** The report, as tall as it is. Without scripts; of this origin, so that its height can be read. */
function ReportFrame({ html }: { readonly html: string }) {
  const [height, setHeight] = useState(480);
  return (
    <iframe
      class="report"
      title="Conformance report"
      sandbox="allow-same-origin"
      srcDoc={html}
      style={{ height: `${height}px` }}
      onLoad={(event) => {
        const page = event.currentTarget.contentDocument?.documentElement;
        if (page !== undefined && page !== null) setHeight(page.scrollHeight);
      }}
    />
  );
}
