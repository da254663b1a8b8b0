import type { Change } from "../state/lesson.js";

const percent = (score: number) => (Number.isNaN(score) ? "new" : `${(100 * score).toFixed(0)} %`);

/** Scores of the taught labels on the examples, before and after a lesson. */
export function ScoreChanges({ changes }: { readonly changes: readonly Change[] }) {
  return (
    <table class="changes">
      <caption>Scores before and after</caption>
      <thead>
        <tr>
          <th scope="col">Picture</th>
          <th scope="col">Label</th>
          <th scope="col">Shown</th>
          <th scope="col" class="number">
            Before
          </th>
          <th scope="col" class="number">
            After
          </th>
        </tr>
      </thead>
      <tbody>
        {changes.map(({ picture, name, url, label, isPresent, before, after }) => (
          <tr key={`${picture} ${label}`}>
            <td>
              <img src={url} alt={name} />
            </td>
            <td>{label}</td>
            <td>{isPresent ? "yes" : "no"}</td>
            <td class="number">{percent(before)}</td>
            <td class="number after">{percent(after)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
