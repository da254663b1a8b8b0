/** Arguments of a network that trains on a few pictures in a second or two; no page of the run is made. */
export const TINY_NETWORK = "--no-report --blocks 1,1,1,1 --width 0.0625 --workers 0".split(" ");
