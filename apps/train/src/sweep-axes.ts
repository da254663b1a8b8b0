import { type ArgumentParser, refuse } from "asl-cli";

export interface SweepAxes {
  readonly gammaNeg?: readonly number[];
  readonly clip?: readonly number[];
}

const AXES = { "gamma-neg": "gammaNeg", clip: "clip" } as const;

/** "gamma-neg=2,4;clip=0,0.05". */
export const sweepAxes: ArgumentParser<SweepAxes> = (text) => {
  const wrong = () => refuse('values of gamma-neg, clip or both, such as "gamma-neg=2,4;clip=0,0.05"', text);
  const axes = text.split(";").map((axis): [keyof SweepAxes, number[]] => {
    const [name = "", list = "", ...more] = axis.split("=").map((part) => part.trim());
    const values = list.split(",").map((value) => (value.trim() === "" ? Number.NaN : Number(value)));
    const limit = name === "clip" ? 1 : Number.POSITIVE_INFINITY;
    const valid =
      Object.hasOwn(AXES, name) && more.length === 0 && values.every((value) => value >= 0 && value < limit);
    return valid ? [AXES[name as keyof typeof AXES], [...new Set(values)]] : wrong();
  });
  return new Set(axes.map(([name]) => name)).size === axes.length ? Object.fromEntries(axes) : wrong();
};
