import { createHash } from "node:crypto";
import { ZipArchive } from "../file/zip.js";
import type { Host } from "../host.js";

export const NODE: Host = {
  sha256() {
    const hash = createHash("sha256");
    return { update: (bytes) => hash.update(bytes), hex: () => hash.digest("hex") };
  },
  openZip: (file) => ZipArchive.open(file),
};
