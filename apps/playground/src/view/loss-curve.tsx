const WIDTH = 480;
const HEIGHT = 150;
const MARGIN = { left: 44, right: 12, top: 12, bottom: 26 };

/** The loss of each step of a lesson of `steps`, from 0 up to the highest. */
export function LossCurve({ losses, steps }: { readonly losses: readonly number[]; readonly steps: number }) {
  if (losses.length === 0) return null;
  const top = Math.max(...losses, 1e-6);
  const x = (step: number) => MARGIN.left + (step / Math.max(1, steps - 1)) * (WIDTH - MARGIN.left - MARGIN.right);
  const y = (loss: number) => HEIGHT - MARGIN.bottom - (loss / top) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const points = losses.map((loss, step) => `${x(step).toFixed(1)},${y(loss).toFixed(1)}`).join(" ");
  const [first, last] = [losses[0]!, losses.at(-1)!];
  return (
    <figure class="curve">
      <figcaption>
        Loss per picture <span class="hint">{`${first.toPrecision(3)} → ${last.toPrecision(3)}`}</span>
      </figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={`Loss over ${losses.length} steps, from ${first.toPrecision(3)} to ${last.toPrecision(3)}`}
      >
        {[0, 0.5, 1].map((share) => (
          <g key={share}>
            <line class="grid" x1={MARGIN.left} x2={WIDTH - MARGIN.right} y1={y(share * top)} y2={y(share * top)} />
            <text x={MARGIN.left - 8} y={y(share * top)} dy="0.35em" text-anchor="end">
              {(share * top).toPrecision(2)}
            </text>
          </g>
        ))}
        <text x={WIDTH - MARGIN.right} y={HEIGHT - 6} text-anchor="end">
          step {steps}
        </text>
        <text x={MARGIN.left} y={HEIGHT - 6}>
          1
        </text>
        <polyline class="line" points={points} />
      </svg>
    </figure>
  );
}
