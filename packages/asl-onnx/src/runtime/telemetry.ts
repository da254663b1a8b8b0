/**
 * The library of onnxruntime-node reports its use to its makers: it keeps a number of this machine and what it wants to
 * send in the user's cache folder, and leaves an empty file in the temporary folder for each process. It does none of
 * that if this variable is there before its first session; a value that somebody chose stays.
 */
export function declineTelemetry(environment = process.env): void {
  environment.ORT_DISABLE_TELEMETRY ??= "1";
}
