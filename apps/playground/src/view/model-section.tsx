import {
  about,
  BACKEND_TITLES,
  backend,
  cancelLoading,
  choice,
  chooseBackend,
  loading,
  loadModel,
  modelError,
  switching,
} from "../state/model.js";
import { retagAll } from "../state/pictures.js";
import { loadDemoModel, site } from "../state/site.js";
import type { BackendChoice } from "../worker/protocol.js";
import { FileDrop } from "./file-drop.js";

const afterwards = (isThere: boolean) => {
  if (isThere) retagAll();
};

const choose = async (name: BackendChoice) => {
  await chooseBackend(name);
  retagAll();
};

export function ModelSection() {
  return (
    <section class="panel" aria-labelledby="model-title">
      <h2 id="model-title">Model</h2>
      {about.value === null ? <NoModel /> : <LoadedModel />}
      {loading.value !== null && (
        <div class="working" role="status">
          <span class="spinner" aria-hidden="true" />
          <span>
            {loading.value.stage}: {loading.value.name}
          </span>
          <button type="button" onClick={cancelLoading}>
            Cancel
          </button>
        </div>
      )}
      {modelError.value !== null && (
        <p class="error" role="alert">
          {modelError.value}
        </p>
      )}
      <ModelPicker />
      <BackendSwitch />
    </section>
  );
}

function NoModel() {
  return <p>No model is loaded yet. Load one to tag pictures with it.</p>;
}

function LoadedModel() {
  const { file, architecture, classNames, imageSize, resizeFilter, notes } = about.value!;
  return (
    <>
      <dl class="facts">
        <div>
          <dt>File</dt>
          <dd>{file}</dd>
        </div>
        <div>
          <dt>Network</dt>
          <dd>{architecture}</dd>
        </div>
        <div>
          <dt>Labels</dt>
          <dd>{classNames.length}</dd>
        </div>
        <div>
          <dt>Picture</dt>
          <dd>
            {imageSize} × {imageSize} px, {resizeFilter}
          </dd>
        </div>
      </dl>
      {notes.length > 0 && (
        <details>
          <summary>Notes on this file</summary>
          <ul>
            {notes.map((note) => (
              <li key={note}>{note}</li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

function ModelPicker() {
  const hasDemo = site.value?.demoModel === true;
  return (
    <div class="row">
      {hasDemo && (
        <button
          type="button"
          class={about.value === null ? "primary" : ""}
          disabled={loading.value !== null}
          onClick={async () => afterwards(await loadDemoModel())}
        >
          Load the demo's model
        </button>
      )}
      <FileDrop
        label="Choose a model file"
        accept=".safetensors,.pth,.pt,.onnx"
        hint={
          <>
            or drop one here: <code>.safetensors</code>, <code>.pth</code> or <code>.onnx</code>
          </>
        }
        onFiles={async ([file]) => afterwards(await loadModel(file!.name, () => file!.arrayBuffer()))}
      />
      {site.value !== null && !hasDemo && about.value === null && (
        <p class="hint wide">
          No model of your own? <code>npx pnpm@10 demo</code> trains a small one in about four minutes and{" "}
          <code>npx pnpm@10 playground</code> then offers it here.
        </p>
      )}
    </div>
  );
}

const CHOICES: readonly (readonly [BackendChoice, string])[] = [
  ["auto", "Automatic"],
  ["webgpu", "WebGPU"],
  ["wasm", "WebAssembly"],
];

function BackendSwitch() {
  const state = backend.value;
  return (
    <fieldset class="choice">
      <legend>Runs on</legend>
      <div class="segments">
        {CHOICES.map(([name, title]) => (
          <label key={name}>
            <input
              type="radio"
              name="backend"
              value={name}
              checked={choice.value === name}
              disabled={switching.value || loading.value !== null}
              onChange={() => void choose(name)}
            />
            <span>{title}</span>
          </label>
        ))}
      </div>
      <p class="hint" role="status" data-testid="backend">
        {switching.value && "Preparing the network …"}
        {!switching.value && state !== null && (
          <>
            <strong>{BACKEND_TITLES[state.running]}</strong> runs: {state.device}.{" "}
            {state.others
              .filter(({ name }) => name !== "wasm")
              .map(({ name, reason }) => `${BACKEND_TITLES[name]} does not: ${reason}.`)
              .join(" ")}
          </>
        )}
      </p>
    </fieldset>
  );
}
