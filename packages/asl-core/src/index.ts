export * from "./types/errors.js";
export * from "./types/tensor.js";
