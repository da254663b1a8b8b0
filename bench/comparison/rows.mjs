// Records of runs as rows of a table.
import { tInterval } from "./statistics.mjs";

/** Mean over the records for which `of` gives a number; null without any. */
export const meanOf = (records, of) => tInterval(numbers(records.map(({ record }) => of(record)))).mean;

/** {mean, low, high} of `of` over the records. */
export const intervalOf = (records, of) => tInterval(numbers(records.map(({ record }) => of(record))));

/** The interval of the differences to the peer with the same seed; null without such pairs. */
export function pairedDifference(records, peers, of, ofPeer = of) {
  const pairs = records.flatMap(({ run, record }) => {
    const peer = peers.find((each) => each.run.seed === run.seed);
    return peer === undefined ? [] : [of(record) - ofPeer(peer.record)];
  });
  return pairs.length === 0 ? null : tInterval(pairs);
}

const numbers = (values) => values.filter((value) => value !== null && value !== undefined);

export const numberText = (value, digits) => (value == null ? "-" : value.toFixed(digits));
export const percentText = (share) => (share == null ? "-" : `${(100 * share).toFixed(1)} %`);
export const rangeText = (interval) =>
  interval?.low == null ? "-" : `${interval.low.toFixed(2)} .. ${interval.high.toFixed(2)}`;
