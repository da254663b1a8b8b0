import { useState } from "preact/hooks";
import { about } from "../state/model.js";
import { thresholds } from "../state/threshold.js";
import type { TaggedPicture, Timing } from "../worker/protocol.js";

const SHOWN = 5;

/** Bars of the highest scores, all that are above their thresholds, and all others when asked for. */
export function Scores({ tagged }: { readonly tagged: TaggedPicture }) {
  const [showAll, setShowAll] = useState(false);
  const names = about.value?.classNames ?? [];
  const rows = tagged.scores
    .map((score, index) => ({ name: names[index] ?? "", score, threshold: thresholds.value[index] ?? 1 }))
    .sort((a, b) => b.score - a.score);
  const present = rows.filter(({ score, threshold }) => score > threshold).length;
  const shown = showAll ? rows : rows.slice(0, Math.max(SHOWN, present));
  return (
    <>
      <ol class="scores" aria-label="Scores">
        {shown.map(({ name, score, threshold }) => (
          <li key={name} class={score > threshold ? "present" : ""}>
            <span class="label">{name}</span>
            <span class="bar" aria-hidden="true">
              <span class="fill" style={{ width: `${100 * score}%` }} />
              <span class="mark" style={{ left: `${100 * threshold}%` }} />
            </span>
            <span class="number">
              {(100 * score).toFixed(0)}
              <span class="unit"> %</span>
              <span class="visually-hidden">{score > threshold ? ", above the threshold" : ", below"}</span>
            </span>
          </li>
        ))}
      </ol>
      {present === 0 && <p class="hint">No label is above the threshold.</p>}
      {rows.length > shown.length || showAll ? (
        <button type="button" class="plain" aria-expanded={showAll} onClick={() => setShowAll(!showAll)}>
          {showAll ? "Show fewer" : `Show all ${rows.length}`}
        </button>
      ) : null}
      <TimingLine timing={tagged.timing} />
    </>
  );
}

const ms = (value: number) => (value < 10 ? value.toFixed(1) : value.toFixed(0));

function TimingLine({ timing }: { readonly timing: Timing }) {
  return (
    <p class="timing">
      decode {ms(timing.decode)} ms · resize {ms(timing.resize)} ms · run {ms(timing.run)} ms
    </p>
  );
}
