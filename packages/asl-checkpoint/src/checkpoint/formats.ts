/** Metadata keys that mark this project's own safetensors files. */
export const CHECKPOINT_KEY = "asl.checkpoint";
export const SNAPSHOT_KEY = "asl.snapshot";
