import { createHash } from "node:crypto";
import type { TensorData } from "asl-core";

/** SHA-256 of the logits' float32 bytes, little-endian: one value for every backend. */
export const LOGITS: Readonly<Record<string, string>> = {
  tresnet_tiny: "d8d579e7532beb6f5a126170bdfb0743504be6684765a5f7851f8c81b048c8b8",
  tresnet_tiny_bottleneck_head: "d8190f2aa6d85f82710b839e464506e3ea819a2d05caae635aef06776c7cd2f2",
};

export function sha256({ data }: TensorData): string {
  return createHash("sha256")
    .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    .digest("hex");
}
