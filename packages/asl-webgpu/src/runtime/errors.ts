import { AslError } from "asl-core";

/** WebGPU is not there, or no adapter: says what was looked for and what to do. */
export class AdapterError extends AslError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_ASL_WEBGPU_ADAPTER", message, options);
  }
}

/** The device is gone: its memory with it. A new session can be compiled and the last snapshot written to it. */
export class DeviceLostError extends AslError {
  /** "destroyed" when `device.destroy()` was called, else "unknown". */
  readonly reason: string;
  constructor(name: string, doing: string, reason: string, message: string) {
    super(
      "ERR_ASL_WEBGPU_DEVICE_LOST",
      `${name}: the device was lost while ${doing} (${reason}${message === "" ? "" : `: ${message}`}). ` +
        "Its state is gone: compile a new session and write the last snapshot to it.",
    );
    this.reason = reason;
  }
}

/** A buffer does not fit: into the device's memory or into its limits. */
export class OutOfMemoryError extends AslError {
  readonly bytes: number;
  constructor(message: string, bytes: number) {
    super("ERR_ASL_WEBGPU_OUT_OF_MEMORY", message);
    this.bytes = bytes;
  }
}

/** A kernel that the device does not accept. Names the kernel and the scope of its nodes. */
export class KernelError extends AslError {
  readonly kernel: string;
  readonly scope: string;
  constructor(kernel: string, scope: string, detail: string, options?: ErrorOptions) {
    super("ERR_ASL_WEBGPU_KERNEL", `kernel ${kernel}: ${detail}`, options);
    this.kernel = kernel;
    this.scope = scope;
  }
}
