import { assertFinite, formatType, type TensorData, type Tensors, type ValueId } from "asl-core";
import type { Kernel } from "../kernel/kernel.js";
import type { Location, ProgramPlan } from "../plan/program-plan.js";
import { paddedBytes, storedBytes } from "../wgsl/storage.js";
import type { Device } from "./device.js";
import { Readback, type ReadbackEntry } from "./readback.js";
import type { DeviceState } from "./state.js";
import { toStored } from "./transfer.js";
import { BUFFER_USAGE } from "./usage.js";

/** A program on a device: its buffers, pipelines and bind groups. One command buffer is a whole step. */
export class DeviceProgram {
  readonly #feeds = new Map<string, GPUBuffer>();
  readonly #constants = new Map<ValueId, GPUBuffer>();
  readonly #slots: GPUBuffer[] = [];
  readonly #pipelines: (readonly GPUComputePipeline[])[] = [];
  /** By kernel and by which of their two buffers the states that it touches are in. */
  readonly #bindGroups = new Map<string, GPUBindGroup>();
  readonly #readback: Readback;
  readonly #statesOf: readonly (readonly string[])[];

  private constructor(
    readonly name: string,
    readonly plan: ProgramPlan,
    private readonly device: Device,
    private readonly state: DeviceState,
  ) {
    this.#readback = new Readback(device, this.#returned());
    this.#statesOf = plan.kernels.map(({ bindings }) => [
      ...new Set(
        bindings.flatMap((each) => {
          if (each.kind !== "read" && each.kind !== "write") return [];
          const location = plan.locations.get(each.value)!;
          return location.kind === "state" || location.kind === "next" ? [location.name] : [];
        }),
      ),
    ]);
  }

  /** Allocates and compiles; `onKernel` is called after each kernel. */
  static async open(
    name: string,
    plan: ProgramPlan,
    device: Device,
    state: DeviceState,
    onKernel: () => void,
  ): Promise<DeviceProgram> {
    const program = new DeviceProgram(name, plan, device, state);
    try {
      await program.#allocate();
      await program.#readback.open();
      const pipelines = plan.kernels.map(async (kernel, i) => {
        program.#pipelines[i] = await device.pipelinesOf(kernel);
        onKernel();
      });
      await Promise.all(pipelines);
    } catch (error) {
      program.destroy();
      throw error;
    }
    return program;
  }

  /** Feeds of the next step. A step that is submitted before computes with its own. */
  upload(feeds: Tensors): void {
    this.device.requireAlive(`uploading the feeds of program ${this.name}`);
    for (const [name, buffer] of this.#feeds) {
      const data = toStored(feeds[name]!);
      if (data.byteLength > 0) this.device.gpu.queue.writeBuffer(buffer, 0, data);
    }
  }

  /**
   * One step with the feeds that were uploaded. The results are copies; written state is what the step left only if every
   * finite output is finite. `onSubmitted`: the feeds of the step after may be uploaded.
   */
  async run(feeds: Tensors, onSubmitted: () => void = () => undefined): Promise<Tensors> {
    const { device, plan, state } = this;
    const { program } = plan;
    const doing = `running program ${this.name}`;
    device.requireAlive(doing);
    const checked = device.guarded(doing, 0, () => device.gpu.queue.submit([this.#encode()]));
    // what a lost device rejects is reported below
    checked.catch(() => undefined);
    onSubmitted();
    const results: Record<string, TensorData> = { ...(await this.#readback.read(doing)) };
    await checked;
    await this.#requireFinite(results, feeds);
    state.advance(new Set(Object.values(program.writes)));
    for (const flag of plan.flags.values()) delete results[flag];
    return results;
  }

  /** Throws NonFiniteError. What goes into state is read back only when its flag says that an element is not finite. */
  async #requireFinite(results: Tensors, feeds: Tensors): Promise<void> {
    const { program, flags, graph, bufferOf, locations } = this.plan;
    const tensors: Record<string, TensorData> = { ...results };
    const bad: string[] = [];
    for (const [output, flag] of flags) {
      if (results[flag]!.data[0] === 0) continue;
      const id = graph.outputs[output]!;
      const location = locations.get(bufferOf[id]!);
      // the buffer of a feed may hold the next step's by now
      if (location?.kind === "feed") tensors[output] = { ...feeds[location.name]!, type: graph.types[id]! };
      else bad.push(output);
    }
    if (bad.length > 0) {
      const readback = new Readback(
        this.device,
        bad.map((name) => ({ name, type: graph.types[graph.outputs[name]!]! })),
      );
      await readback.open();
      const encoder = this.device.gpu.createCommandEncoder({ label: "not finite" });
      readback.encode(encoder, ({ name }) => this.#bufferOfOutput(name));
      this.device.gpu.queue.submit([encoder.finish()]);
      Object.assign(tensors, await readback.read(`reading ${bad.join(", ")}`));
      readback.destroy();
    }
    assertFinite(
      tensors,
      program.finite.filter((name) => tensors[name] !== undefined),
    );
  }

  #bufferOfOutput(name: string): GPUBuffer {
    const id = this.plan.bufferOf[this.plan.graph.outputs[name]!]!;
    return this.#bufferAt(id, this.plan.locations.get(id)!);
  }

  destroy(): void {
    const buffers = [...this.#feeds.values(), ...this.#constants.values(), ...this.#slots];
    for (const buffer of buffers) buffer.destroy();
    this.#readback.destroy();
  }

  /** Outputs that the caller gets, and flags. */
  #returned(): ReadbackEntry[] {
    const { graph, program } = this.plan;
    return Object.entries(graph.outputs)
      .filter(([name]) => !Object.hasOwn(program.writes, name))
      .map(([name, id]) => ({ name, type: graph.types[id]! }));
  }

  async #allocate(): Promise<void> {
    const { device, plan } = this;
    const usage = BUFFER_USAGE.STORAGE | BUFFER_USAGE.COPY_SRC | BUFFER_USAGE.COPY_DST;
    const bytes = plan.slots.plannedBytes;
    const scopes = new Map(plan.graph.nodes.map(({ output, scope }) => [output, scope]));
    for (const id of plan.locations.keys()) {
      const type = plan.graph.types[id]!;
      const scope = scopes.get(id) ?? "";
      const place = scope === "" ? "" : ` (${scope})`;
      const size = storedBytes(type, plan.halves.has(id));
      device.requireBindable(`program ${this.name}: a value ${formatType(type)}${place}`, size);
    }
    await device.guarded(`allocating the buffers of program ${this.name}`, bytes, () => {
      const create = (label: string, size: number) => device.gpu.createBuffer({ label, size, usage });
      plan.slots.slotBytes.forEach((size, i) => {
        this.#slots.push(create(`slot ${i}`, size));
      });
      for (const [id, location] of plan.locations) {
        const size = paddedBytes(storedBytes(plan.graph.types[id]!));
        if (location.kind === "feed") this.#feeds.set(location.name, create(location.name, size));
        if (location.kind === "constant") {
          const buffer = create("constant", size);
          this.#constants.set(id, buffer);
          if (storedBytes(location.value.type) > 0) {
            device.gpu.queue.writeBuffer(buffer, 0, toStored(location.value));
          }
        }
      }
    });
  }

  #encode(): GPUCommandBuffer {
    const { plan, device, state } = this;
    const { graph, program } = plan;
    const encoder = device.gpu.createCommandEncoder({ label: this.name });
    const pass = encoder.beginComputePass({ label: this.name });
    plan.kernels.forEach((kernel, i) => {
      const bindGroup = this.#bindGroupOf(kernel, i);
      kernel.dispatches.forEach(({ workgroups }, each) => {
        pass.setPipeline(this.#pipelines[i]![each]!);
        pass.setBindGroup(0, bindGroup);
        pass.dispatchWorkgroups(...workgroups);
      });
    });
    pass.end();
    // What no kernel wrote where it belongs: inputs that pass through, one value under two names.
    for (const [output, name] of Object.entries(program.writes)) {
      const id = plan.bufferOf[graph.outputs[output]!]!;
      const location = plan.locations.get(id);
      if (location?.kind === "next" && location.name === name) continue;
      const bytes = storedBytes(graph.types[id]!);
      if (location !== undefined && bytes > 0) {
        encoder.copyBufferToBuffer(this.#bufferAt(id, location), 0, state.back(name), 0, bytes);
      }
    }
    this.#readback.encode(encoder, ({ name }) => this.#bufferOfOutput(name));
    return encoder.finish();
  }

  #bindGroupOf(kernel: Kernel, i: number): GPUBindGroup {
    const { device, plan } = this;
    const key = `${i} ${this.#statesOf[i]!.map((name) => this.state.side(name)).join("")}`;
    const known = this.#bindGroups.get(key);
    if (known !== undefined) return known;
    const entries = kernel.bindings.map((each, binding): GPUBindGroupEntry => {
      if (each.kind === "zero") return { binding, resource: { buffer: device.zero } };
      if (each.kind === "scratch") return { binding, resource: { buffer: this.#slots[plan.scratchSlots[i]!]! } };
      return { binding, resource: { buffer: this.#bufferAt(each.value, plan.locations.get(each.value)!) } };
    });
    const label = kernel.label.slice(0, 200);
    const made = device.gpu.createBindGroup({ label, layout: device.layoutOf(kernel), entries });
    this.#bindGroups.set(key, made);
    return made;
  }

  #bufferAt(id: ValueId, location: Location): GPUBuffer {
    switch (location.kind) {
      case "state":
        return this.state.front(location.name);
      case "next":
        return this.state.back(location.name);
      case "feed":
        return this.#feeds.get(location.name)!;
      case "constant":
        return this.#constants.get(id)!;
      case "slot":
        return this.#slots[location.slot]!;
    }
  }
}
