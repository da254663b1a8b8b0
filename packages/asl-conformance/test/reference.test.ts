import { referenceBackend } from "asl-reference";
import { conformance } from "../src/vitest.js";

conformance(referenceBackend({ precision: "f64" }));
conformance(referenceBackend({ precision: "f32" }));
