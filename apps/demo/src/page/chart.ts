import { type Html, html } from "./html.js";

export interface Series {
  readonly name: string;
  /** The style sheet's name for its colour: "first" or "second". */
  readonly tone: "first" | "second";
  readonly points: readonly Point[];
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface ChartOptions {
  readonly title: string;
  readonly xLabel: string;
  readonly series: readonly Series[];
  /** The least range of y to show, e.g. [0, 100] for percent. */
  readonly yRange?: readonly [number, number];
  readonly format: (y: number) => string;
}

const WIDTH = 460;
const HEIGHT = 240;
const MARGIN = { top: 14, right: 16, bottom: 40, left: 48 };

/** A line chart as inline SVG; a table for screen readers stands in its description. */
export function lineChart({ title, xLabel, series, yRange, format }: ChartOptions): Html {
  const points = series.flatMap(({ points }) => points);
  if (points.length === 0) return html``;
  const xTicks = ticks(Math.min(...points.map(({ x }) => x)), Math.max(...points.map(({ x }) => x)), 8);
  const yTicks = ticks(
    Math.min(...points.map(({ y }) => y), yRange?.[0] ?? Number.POSITIVE_INFINITY),
    Math.max(...points.map(({ y }) => y), yRange?.[1] ?? Number.NEGATIVE_INFINITY),
    5,
  );
  const x = scale(xTicks, MARGIN.left, WIDTH - MARGIN.right);
  const y = scale(yTicks, HEIGHT - MARGIN.bottom, MARGIN.top);
  const wholeTicks = xTicks.filter(Number.isInteger);
  return html`<figure class="chart">
<figcaption>${title}${series.length > 1 ? legend(series) : []}</figcaption>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${describe(title, series, xLabel)}">
${yTicks.map(
  (tick) =>
    html`<line class="grid" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${y(tick)}" y2="${y(tick)}"/><text class="tick" x="${MARGIN.left - 8}" y="${y(tick)}" dy="0.35em" text-anchor="end">${format(tick)}</text>`,
)}
${wholeTicks.map((tick) => html`<text class="tick" x="${x(tick)}" y="${HEIGHT - MARGIN.bottom + 16}" text-anchor="middle">${tick}</text>`)}
<text class="tick" x="${(MARGIN.left + WIDTH - MARGIN.right) / 2}" y="${HEIGHT - 6}" text-anchor="middle">${xLabel}</text>
${series.map(
  ({ tone, name, points }) =>
    html`<polyline class="line ${tone}" points="${points.map((point) => `${x(point.x)},${y(point.y)}`).join(" ")}"/>${points.map(
      (point) =>
        html`<circle class="dot ${tone}" cx="${x(point.x)}" cy="${y(point.y)}" r="3"><title>${name}, ${xLabel} ${point.x}: ${point.y.toFixed(2)}</title></circle>`,
    )}`,
)}
</svg>
</figure>`;
}

function legend(series: readonly Series[]): Html {
  return html`<span class="legend">${series.map(({ name, tone }) => html`<span class="key ${tone}">${name}</span>`)}</span>`;
}

function describe(title: string, series: readonly Series[], xLabel: string): string {
  const last = series.map(({ name, points }) => {
    const end = points.at(-1);
    return end === undefined ? "" : `${name}: ${end.y.toFixed(2)} at ${xLabel} ${end.x}`;
  });
  return `${title}. ${last.join("; ")}`;
}

/** Round numbers from below `low` to above `high`, about `count` of them, in steps of 1, 2 or 5 times a power of ten. */
export function ticks(low: number, high: number, count: number): readonly number[] {
  const span = high > low ? high - low : Math.abs(low) || 1;
  const power = 10 ** Math.floor(Math.log10(span / count));
  const step = power * ([1, 2, 5, 10].find((multiple) => multiple * power * count >= span) ?? 10);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil(high / step - 1e-9));
  // Counted in whole steps, and rounded to the step's decimals: 0.1 * 3 is no tick to show.
  const decimals = Math.max(0, -Math.floor(Math.log10(step)));
  return Array.from({ length: last - first + 1 }, (_, index) => Number(((first + index) * step).toFixed(decimals)));
}

function scale(domain: readonly number[], start: number, end: number): (value: number) => number {
  const low = domain[0]!;
  const high = domain.at(-1)!;
  return (value) => Number((start + ((value - low) / (high - low)) * (end - start)).toFixed(2));
}
