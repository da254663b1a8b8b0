import { BUFFER_USAGE, SHADER_STAGE_COMPUTE } from "../runtime/usage.js";
import { paddedBytes } from "../wgsl/storage.js";
import type { ContractionDispatch } from "./io.js";
import type { Tile } from "./tuning.js";

/** The buffer of each binding: operands 0 and 1, again in fours, output, scratch. */
const BINDINGS = [0, 1, 0, 1, 2, 3] as const;

/** A trial takes at least as long, or so many dispatches: what a clock shows of less is noise. */
const TRIAL_SECONDS = 0.004;
const MOST_DISPATCHES = 64;
/** A candidate that takes so many times as long as the fastest in the first run gets no second. */
const HOPELESS = 1.5;

export interface Place {
  readonly buffers: readonly GPUBuffer[];
  readonly layout: GPUBindGroupLayout;
  readonly group: GPUBindGroup;
}

/** Buffers of so many bytes, bound as BINDINGS says. Undefined where the device has no room for them. */
export async function placeOf(device: GPUDevice, sizes: readonly number[]): Promise<Place | undefined> {
  const [place, error] = watched(device, (): Place => {
    const buffers = sizes.map((size) =>
      device.createBuffer({ label: "autotuner", size: paddedBytes(size), usage: BUFFER_USAGE.STORAGE }),
    );
    const layout = device.createBindGroupLayout({
      entries: BINDINGS.map((buffer, binding) => ({
        binding,
        visibility: SHADER_STAGE_COMPUTE,
        buffer: { type: buffer < 2 ? "read-only-storage" : "storage" },
      })),
    });
    const entries = BINDINGS.map((buffer, binding) => ({ binding, resource: { buffer: buffers[buffer]! } }));
    return { buffers, layout, group: device.createBindGroup({ layout, entries }) };
  });
  if ((await error) === undefined) return place;
  for (const buffer of place.buffers) buffer.destroy();
  return undefined;
}

const SCOPES = ["validation", "out-of-memory", "internal"] as const satisfies readonly GPUErrorFilter[];

/** What `body` gives, and the error, if any, that the device has with it. */
function watched<T>(device: GPUDevice, body: () => T): readonly [T, Promise<GPUError | undefined>] {
  for (const filter of SCOPES) device.pushErrorScope(filter);
  const result = body();
  const errors = Promise.all(SCOPES.map(() => device.popErrorScope()));
  return [result, errors.then((all) => all.find((error) => error !== null) ?? undefined)];
}

export interface Candidate {
  readonly tile: Tile;
  readonly dispatches: readonly ContractionDispatch[];
  readonly pipelines: readonly GPUComputePipeline[];
}

/** The fastest run of each candidate that the device runs. */
export async function race(
  device: GPUDevice,
  group: GPUBindGroup,
  candidates: readonly Candidate[],
  runs: number,
): Promise<{ readonly tile: Tile; readonly seconds: number }[]> {
  const racers: { readonly candidate: Candidate; readonly repeats: number; seconds: number }[] = [];
  for (const candidate of candidates) {
    // the first run of each pays for what the driver puts off
    await timed(device, group, candidate, 1);
    const seconds = await timed(device, group, candidate, 1);
    // a device takes no time at all for commands that it refuses
    if (seconds === undefined) continue;
    const repeats = Math.max(1, Math.min(MOST_DISPATCHES, Math.ceil(TRIAL_SECONDS / seconds)));
    racers.push({ candidate, repeats, seconds: Number.POSITIVE_INFINITY });
  }
  for (let run = 0; run < runs; run++) {
    const fastest = Math.min(...racers.map(({ seconds }) => seconds));
    for (const racer of racers) {
      if (run > 0 && racer.seconds > HOPELESS * fastest) continue;
      const seconds = await timed(device, group, racer.candidate, racer.repeats);
      racer.seconds = Math.min(racer.seconds, seconds ?? Number.POSITIVE_INFINITY);
    }
  }
  const ran = racers.filter(({ seconds }) => seconds < Number.POSITIVE_INFINITY);
  return ran.map(({ candidate: { tile }, seconds }) => ({ tile, seconds }));
}

/** Undefined where the device does not compile them: a tile that it cannot run is none to choose. */
export async function pipelinesOf(
  device: GPUDevice,
  bindGroupLayout: GPUBindGroupLayout,
  dispatches: readonly ContractionDispatch[],
  extensions: readonly string[],
): Promise<readonly GPUComputePipeline[] | undefined> {
  const [pipelines, error] = watched(device, () => {
    const layout = device.createPipelineLayout({ bindGroupLayouts: [bindGroupLayout] });
    return dispatches.map(({ label, enables, wgsl }) => {
      const code = `${[...extensions, ...enables].map((name) => `enable ${name};\n`).join("")}${wgsl}`;
      const module = device.createShaderModule({ label, code });
      return device.createComputePipelineAsync({ label, layout, compute: { module, entryPoint: "main" } });
    });
  });
  const settled = await Promise.allSettled(pipelines);
  const made = settled.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
  return (await error) === undefined && made.length === dispatches.length ? made : undefined;
}

/** Seconds of one of `repeats` runs; undefined where the device refuses them. */
async function timed(
  device: GPUDevice,
  group: GPUBindGroup,
  { dispatches, pipelines }: Candidate,
  repeats: number,
): Promise<number | undefined> {
  const [commands, invalid] = watched(device, () => {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setBindGroup(0, group);
    for (let repeat = 0; repeat < repeats; repeat++) {
      for (const [i, { workgroups }] of dispatches.entries()) {
        pass.setPipeline(pipelines[i]!);
        pass.dispatchWorkgroups(...workgroups);
      }
    }
    pass.end();
    return encoder.finish();
  });
  const [refused] = await Promise.all([invalid, device.queue.onSubmittedWorkDone()]);
  if (refused !== undefined) return undefined;
  const start = performance.now();
  const [, failure] = watched(device, () => device.queue.submit([commands]));
  const done = device.queue.onSubmittedWorkDone().then(() => performance.now());
  const [end, failed] = await Promise.all([done, failure]);
  // a clock may stand still for a moment
  return failed === undefined ? Math.max((end - start) / 1000, 1e-6) / repeats : undefined;
}
