import { createHash } from "node:crypto";
import type { Host } from "../host.js";

export const NODE: Host = {
  sha256() {
    const hash = createHash("sha256");
    return { update: (bytes) => hash.update(bytes), hex: () => hash.digest("hex") };
  },
  // loaded for the first archive: a safetensors file does without
  openZip: async (file) => (await import("../file/zip.js")).ZipArchive.open(file),
};
