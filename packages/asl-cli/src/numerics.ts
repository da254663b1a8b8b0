import { Option } from "@commander-js/extra-typings";
import type { NetworkOptions } from "asl-core";
import { oneOf } from "./arguments.js";

export type NumericsName = NonNullable<NetworkOptions["numerics"]>;

const NUMERICS_NAMES = ["native", "exact"] as const satisfies readonly NumericsName[];

/** `--numerics native|exact`; undefined when not given. `what` says of which network. */
export const numericsOption = (what: string) =>
  new Option(
    "--numerics <kind>",
    `arithmetic of ${what}: native, or exact (the same bits on every backend, many times as slow); default: native`,
  ).argParser(oneOf(NUMERICS_NAMES));
