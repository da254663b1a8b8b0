export * from "./contraction/index.js";
