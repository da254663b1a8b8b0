import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { type Html, html, trusted } from "../page/html.js";

/** A colour of the style sheet; its line is drawn in a manner of its own, so that nobody needs to see the colour. */
export type Tone = "first" | "second" | "third" | "fourth" | "soft";

const DASHES: Readonly<Record<Tone, string>> = { first: "", second: "6 4", third: "", fourth: "2 3", soft: "" };

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Series {
  readonly name: string;
  readonly tone: Tone;
  readonly points: readonly Point[];
}

export interface ChartOptions {
  readonly title: string;
  readonly xLabel: string;
  readonly series: readonly Series[];
  /** Ranges to show at least, e.g. [0, 100] for percent. */
  readonly xRange?: readonly [number, number];
  readonly yRange?: readonly [number, number];
  /** A log scale for y: for values above 0 only. */
  readonly logarithmic?: boolean;
  /** x counts something: its ticks are whole numbers. */
  readonly whole?: boolean;
  /** A sentence below the chart. */
  readonly about?: string;
}

const WIDTH = 420;
const HEIGHT = 240;
/** Points up to which each gets a dot. */
const DOTS = 30;

/** A line chart as inline SVG; without a point, nothing. */
export function lineChart(options: ChartOptions): Html {
  const { title, xLabel, series, xRange, yRange, logarithmic = false, whole = false, about } = options;
  const drawn = series.filter(({ points }) => points.length > 0);
  if (drawn.length === 0) return html``;
  const all = drawn.flatMap(({ points }) => points);
  const lines = drawn.flatMap(({ name, tone, points }) => {
    const data = [...points];
    const style = { x: "x", y: "y", stroke: `var(--${tone})` } as const;
    const label = ({ x, y }: Point) => `${name}, ${xLabel} ${short(x)}: ${short(y)}`;
    return [
      Plot.lineY(data, { ...style, strokeWidth: tone === "soft" ? 1 : 2.25, strokeDasharray: DASHES[tone] }),
      ...(data.length > DOTS ? [] : [Plot.dot(data, { ...style, fill: `var(--${tone})`, r: 2.5, title: label })]),
    ];
  });
  const [xs, ys] = [all.map(({ x }) => x), all.map(({ y }) => y)];
  const svg = draw({
    height: HEIGHT,
    x: {
      ...{ label: xLabel, labelArrow: "none", labelAnchor: "center", domain: span(xs, xRange) },
      ...(whole ? { ticks: wholeTicks(xs), tickFormat: "d" } : {}),
    },
    y: {
      ...{ label: null, grid: true, ticks: 5 },
      ...(logarithmic ? { type: "log", domain: span(ys, undefined) } : { nice: true, domain: span(ys, yRange) }),
    },
    marks: lines,
  });
  return figure({ title, series: drawn, svg, label: described(title, xLabel, drawn), about });
}

export interface HistogramOptions {
  readonly title: string;
  readonly xLabel: string;
  /** Each with the height of every bin of [0, 1]. */
  readonly groups: readonly { readonly name: string; readonly tone: Tone; readonly heights: readonly number[] }[];
  readonly about?: string;
}

/** Steps over equal bins of [0, 1], filled. */
export function histogram({ title, xLabel, groups, about }: HistogramOptions): Html {
  const svg = draw({
    height: HEIGHT,
    x: { label: xLabel, labelArrow: "none", labelAnchor: "center", domain: [0, 1] },
    y: { label: null, grid: true, nice: true, ticks: 5 },
    marks: groups.flatMap(({ tone, heights }) => {
      const bins = heights.map((height, bin) => ({
        from: bin / heights.length,
        to: (bin + 1) / heights.length,
        height,
      }));
      const style = { stroke: `var(--${tone})`, strokeDasharray: DASHES[tone] };
      const steps = bins.flatMap(({ from, to, height }) => [
        { x: from, y: height },
        { x: to, y: height },
      ]);
      return [
        Plot.rectY(bins, { x1: "from", x2: "to", y: "height", fill: `var(--${tone})`, fillOpacity: 0.18 }),
        Plot.lineY(steps, { x: "x", y: "y", strokeWidth: 2, ...style }),
      ];
    }),
  });
  const series = groups.map(({ name, tone }) => ({ name, tone, points: [] }));
  return figure({ title, series, svg, label: `${title}: ${groups.map(({ name }) => name).join(", ")}`, about });
}

/** A small line without axes, for tables and grids of many. */
export function sparkline(points: readonly Point[], label: string): Html {
  const svg = draw({
    ...{ width: 96, height: 64, marginLeft: 2, marginRight: 2, marginTop: 2, marginBottom: 2 },
    x: { axis: null, domain: [0, 1] },
    y: { axis: null, domain: [0, 1] },
    marks: [
      Plot.frame({ stroke: "var(--line)" }),
      Plot.lineY([...points], { x: "x", y: "y", stroke: "var(--first)", strokeWidth: 1.75 }),
    ],
  });
  return withLabel(svg, label);
}

function figure(parts: {
  readonly title: string;
  readonly series: readonly Series[];
  readonly svg: string;
  readonly label: string;
  readonly about: string | undefined;
}): Html {
  const { title, series, svg, label, about } = parts;
  const legend =
    series.length < 2
      ? []
      : html`<span class="legend">${series.map(({ name, tone }) => html`<span class="key ${tone}">${name}</span>`)}</span>`;
  return html`<figure class="chart">
<figcaption>${title}${legend}</figcaption>
${withLabel(svg, label)}
${about === undefined ? [] : html`<p class="about">${about}</p>`}
</figure>`;
}

/** The name is a text put in, the drawing is not. */
const withLabel = (svg: string, label: string): Html => {
  const [open, rest] = [svg.slice(0, "<svg".length), svg.slice("<svg".length)];
  return html`${trusted(open)} role="img" aria-label="${label}"${trusted(rest)}`;
};

function draw(options: Plot.PlotOptions): string {
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  const drawn = Plot.plot({
    ...{ width: WIDTH, marginLeft: 46, marginRight: 12, marginBottom: 38, marginTop: 12, document },
    style: { fontSize: "12px" },
    ...options,
  });
  // a style sheet in every drawing: the page's own has all of it
  drawn.querySelector("style")?.remove();
  const text: string = drawn.outerHTML;
  // hundredths of a pixel are enough; what the reader sees as text stays
  return text.replaceAll(/="[^"]*"/g, (attribute) =>
    attribute.replaceAll(/-?\d+\.\d{3,}/g, (number) => String(Number(Number(number).toFixed(2)))),
  );
}

function span(values: readonly number[], range: readonly [number, number] | undefined): [number, number] {
  const low = Math.min(...values, range?.[0] ?? Number.POSITIVE_INFINITY);
  const high = Math.max(...values, range?.[1] ?? Number.NEGATIVE_INFINITY);
  return low === high ? [low - 0.5, high + 0.5] : [low, high];
}

/** At most 8 whole numbers, in equal steps. */
function wholeTicks(values: readonly number[]): number[] {
  const [low, high] = [Math.ceil(Math.min(...values)), Math.floor(Math.max(...values))];
  const step = Math.max(1, Math.ceil((high - low) / 7));
  return Array.from({ length: Math.floor((high - low) / step) + 1 }, (_, i) => low + i * step);
}

function described(title: string, xLabel: string, series: readonly Series[]): string {
  const ends = series.map(({ name, points }) => {
    const end = points.at(-1)!;
    return `${name}: ${short(end.y)} at ${xLabel} ${short(end.x)}`;
  });
  return `${title}. ${ends.join("; ")}`;
}

const short = (value: number) => String(Number(value.toPrecision(4)));
