import { checkFeeds, checkState, InputError, type Session, type StateSpec, type Tensors } from "asl-core";
import { storedBytes } from "../wgsl/storage.js";
import type { Device } from "./device.js";
import type { DeviceProgram } from "./program.js";
import { Readback } from "./readback.js";
import type { DeviceState } from "./state.js";
import { toStored } from "./transfer.js";

/** Programs that share one state on a device. */
export class WebgpuSession<P extends string> implements Session<P> {
  #disposed = false;
  /** Runs, reads and writes one after another, in the order of the calls. */
  #last: Promise<unknown> = Promise.resolve();
  /** The device has all commands of the calls before; it may still be at work on them. */
  #submitted: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly device: Device,
    private readonly spec: StateSpec,
    private readonly state: DeviceState,
    private readonly programs: ReadonlyMap<string, DeviceProgram>,
  ) {}

  /** Feeds travel as soon as the commands of the calls before are submitted, while the device computes. */
  run(name: P, feeds: Tensors): Promise<Tensors> {
    const uploaded = this.#submitted.then(() => {
      this.#requireOpen("run");
      const program = this.programs.get(name);
      if (program === undefined) {
        const known = [...this.programs.keys()].join(", ");
        throw new InputError(`no program is called "${name}"; this session has ${known}`);
      }
      checkFeeds(name, program.plan.program, feeds);
      program.upload(feeds);
      return program;
    });
    // reported by the run itself
    uploaded.catch(() => undefined);
    let isSubmitted: () => void = () => undefined;
    const submitted = new Promise<void>((resolve) => {
      isSubmitted = resolve;
    });
    const result = this.#inOrder("run", async () => await (await uploaded).run(feeds, isSubmitted));
    // a run that fails may not have come so far
    this.#submitted = Promise.race([submitted, result.catch(() => undefined)]);
    return result;
  }

  read(names: readonly string[] = Object.keys(this.spec)): Promise<Tensors> {
    return this.#inOrder("read", async () => {
      const entries = [...new Set(names)].map((name) => {
        const entry = Object.hasOwn(this.spec, name) ? this.spec[name] : undefined;
        if (entry === undefined) throw new InputError(`state "${name}" does not exist in this session`);
        return { name, type: entry.type };
      });
      const copies: Record<string, Tensors[string]> = {};
      for (const batch of this.#batches(entries)) Object.assign(copies, await this.#copies(batch));
      return copies;
    });
  }

  write(state: Tensors): Promise<void> {
    return this.#inOrder("write", async () => {
      checkState(this.spec, state);
      this.device.requireAlive("writing state");
      for (const [name, tensor] of Object.entries(state)) {
        const data = toStored(tensor);
        if (data.byteLength > 0) this.device.gpu.queue.writeBuffer(this.state.front(name), 0, data);
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    await this.#last;
    this.state.destroy();
    for (const program of this.programs.values()) program.destroy();
  }

  async #copies(entries: readonly { readonly name: string; readonly type: Tensors[string]["type"] }[]) {
    const readback = new Readback(this.device, entries);
    this.device.requireAlive("reading state");
    await readback.open();
    try {
      const encoder = this.device.gpu.createCommandEncoder({ label: "read" });
      readback.encode(encoder, ({ name }) => this.state.front(name));
      this.device.gpu.queue.submit([encoder.finish()]);
      return await readback.read("reading state");
    } finally {
      readback.destroy();
    }
  }

  /** Tensors that fit into one buffer together. */
  #batches<E extends { readonly type: Tensors[string]["type"] }>(entries: readonly E[]): E[][] {
    const most = this.device.gpu.limits.maxBufferSize;
    const batches: E[][] = [];
    let bytes = Number.POSITIVE_INFINITY;
    for (const entry of entries) {
      const size = storedBytes(entry.type);
      if (bytes + size > most) {
        batches.push([]);
        bytes = 0;
      }
      batches.at(-1)!.push(entry);
      bytes += size;
    }
    return batches;
  }

  #requireOpen(action: string): void {
    if (this.#disposed) throw new InputError(`cannot ${action}: the session is disposed`);
  }

  #inOrder<T>(action: string, body: () => Promise<T>): Promise<T> {
    const result = this.#last.then(() => {
      this.#requireOpen(action);
      return body();
    });
    this.#last = result.catch(() => undefined);
    this.#submitted = this.#last;
    return result;
  }
}
