import { useEffect, useState } from "preact/hooks";
import {
  addLabel,
  cancelLesson,
  downloadTuned,
  examples,
  forgetLessons,
  isTicked,
  lessonError,
  missing,
  removeLabel,
  results,
  running,
  STEPS,
  taught,
  teach,
  tick,
  undoLesson,
} from "../state/lesson.js";
import { about } from "../state/model.js";
import { LossCurve } from "./loss-curve.js";
import { ScoreChanges } from "./score-changes.js";

export function TeachSection() {
  const model = about.value;
  // The section is made anew for another model.
  useEffect(() => forgetLessons, []);
  return (
    <section class="panel" aria-labelledby="teach-title">
      <h2 id="teach-title">Teach it your labels</h2>
      <p>
        Name labels, tick the pictures that show them, and the network's last layer learns them here, with the exact
        asymmetric loss. A label counts as absent where you do not tick it; labels that you do not teach stay as they
        are.
      </p>
      {model === null && <p class="hint">Load a model and tag a few pictures first.</p>}
      {model?.fixed != null && <p class="hint">{model.fixed}</p>}
      {model !== null && model.fixed === null && <Lesson />}
    </section>
  );
}

function Lesson() {
  const isRunning = running.value !== null;
  const last = results.value.at(-1);
  return (
    <>
      <LabelForm />
      {taught.value.length > 0 && <Examples />}
      {isRunning ? (
        <div class="working">
          <label class="grow">
            <span>
              Step {running.value!.losses.length} of {running.value!.steps}
            </span>
            <progress value={running.value!.losses.length} max={running.value!.steps} />
          </label>
          <button type="button" onClick={cancelLesson}>
            Cancel
          </button>
        </div>
      ) : (
        <div class="row">
          <button type="button" class="primary" disabled={missing.value !== null} onClick={() => void teach()}>
            Train the last layer
          </button>
          {last !== undefined && (
            <>
              <button type="button" onClick={() => void undoLesson()}>
                Undo
              </button>
              <button type="button" onClick={() => void downloadTuned()}>
                Download the tuned model
              </button>
            </>
          )}
          {missing.value !== null && <span class="hint">{missing.value}</span>}
        </div>
      )}
      {lessonError.value !== null && (
        <p class="error" role="alert">
          {lessonError.value}
        </p>
      )}
      {isRunning && <LossCurve losses={running.value!.losses} steps={STEPS} />}
      {!isRunning && last !== undefined && (
        <div class="result">
          <LossCurve losses={last.losses} steps={last.losses.length} />
          <ScoreChanges changes={last.changes} />
        </div>
      )}
    </>
  );
}

function LabelForm() {
  const [text, setText] = useState("");
  return (
    <form
      class="row"
      onSubmit={(event) => {
        event.preventDefault();
        addLabel(text);
        setText("");
      }}
    >
      <label class="field">
        <span>Label to teach</span>
        <input
          type="text"
          list="known-labels"
          required
          maxLength={80}
          autoComplete="off"
          placeholder="a new one, or one that it knows"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <datalist id="known-labels">
          {about.value!.classNames.map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
      </label>
      <button type="submit">Add label</button>
      {taught.value.length > 0 && (
        <ul class="chips wide" aria-label="Labels to teach">
          {taught.value.map((label) => (
            <li key={label}>
              {label}
              <button
                type="button"
                class="plain"
                aria-label={`Do not teach ${label}`}
                onClick={() => removeLabel(label)}
              >
                ×
              </button>
            </li>
          ))}
        </ul>
      )}
    </form>
  );
}

function Examples() {
  return (
    <ul class="examples">
      {examples.value.map(({ id, name, url }) => (
        <li key={id}>
          <img src={url} alt="" />
          <fieldset>
            <legend>{name}</legend>
            {taught.value.map((label) => (
              <label key={label} class="check">
                <input
                  type="checkbox"
                  checked={isTicked(id, label)}
                  onChange={(event) => tick(id, label, event.currentTarget.checked)}
                />
                {label}
              </label>
            ))}
          </fieldset>
        </li>
      ))}
    </ul>
  );
}
