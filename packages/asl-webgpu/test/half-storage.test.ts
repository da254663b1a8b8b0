import { findDeno, Hosts, hasLavapipe } from "asl-conformance/hosts";
import { abs, Builder, conv2d, evaluateProgram, f32, initialize, type Session, sizeOf, tresnet } from "asl-core";
import { afterAll, describe, expect, it } from "vitest";
import { planMemory, type Tile } from "../src/index.js";
import { contractionsOf } from "../src/plan/contractions.js";
import { halfBuffersOf } from "../src/plan/half-storage.js";
import { planProgram } from "../src/plan/program-plan.js";
import { defaultTarget } from "../src/plan/target.js";
import type { Device } from "../src/runtime/device.js";
import { DeviceProgram } from "../src/runtime/program.js";
import type { DeviceState } from "../src/runtime/state.js";
import { SKIPPED, webgpuWith } from "./adapter.js";

const SIZE = 32;
const model = tresnet({ blocks: [1, 1, 1, 1], planes: 8, basicStages: 2, classes: 4 });
const evaluate = evaluateProgram({ model, batchSize: 2, imageSize: SIZE });
const images = f32(
  [2, 3, SIZE, SIZE],
  Float32Array.from({ length: 6 * SIZE * SIZE }, (_, i) => ((i * 37) % 256) / 255),
);

/** conv2d(conv2d(x, |w|), |w|): |w| has two readers, so it is stored between kernels. */
function twoConvolutions() {
  const builder = new Builder();
  const x = builder.input("x", { dtype: "f32", shape: [1, 4, 8, 8] });
  const folded = abs(builder.input("w", { dtype: "f32", shape: [4, 4, 3, 3] }));
  const inner = conv2d(x, folded, { padding: 1 });
  const graph = builder.finish({ y: conv2d(inner, folded, { padding: 1 }) });
  const program = { graph, reads: { w: "w" }, writes: {}, finite: [] };
  const plan = planProgram(program, { ...defaultTarget(), storage: "f16" });
  const outputOf = (op: string) => plan.graph.nodes.find((node) => node.op === op)!.output;
  return { plan, ids: { folded: outputOf("abs"), inner: outputOf("conv2d") } };
}

describe('storage "f16"', () => {
  it("halves what lies between the kernels of an evaluation", () => {
    const whole = planMemory(evaluate).plannedBytes;
    expect(planMemory(evaluate, { storage: "f16" }).plannedBytes).toBeLessThan(0.6 * whole);
  });

  it("reads and writes 16 bits, and computes with 32", () => {
    const { kernels } = planProgram(evaluate, { ...defaultTarget(), storage: "f16" });
    const texts = kernels.flatMap(({ dispatches }) => dispatches.map(({ wgsl }) => wgsl));
    const elementwise = texts.find((text) => text.startsWith("enable f16;") && text.includes("if (i >= "));
    expect(elementwise).toMatchInlineSnapshot(`
      "enable f16;

      @group(0) @binding(0) var<storage, read> in0: array<f16>;
      @group(0) @binding(1) var<storage, read> in1: array<f32>;
      @group(0) @binding(2) var<storage, read> in2: array<f16>;
      @group(0) @binding(3) var<storage, read_write> out3: array<f16>;
      @group(0) @binding(4) var<uniform> zero: u32;

      fn held(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) ^ zero); }
      fn is_nan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }
      fn signed_place(x: f32) -> i32 {
        let bits = bitcast<i32>(x);
        return bits ^ ((bits >> 31u) & 0x7fffffff);
      }
      fn max_f32(a: f32, b: f32) -> f32 {
        return select(b, a, is_nan(a) || (!is_nan(b) && signed_place(a) > signed_place(b)));
      }

      @compute @workgroup_size(64)
      fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
        let i = workgroup.x * 64u + local;
        if (i >= 1024u) { return; }
        let v0 = f32(in0[i]);
        let v1 = i / 512u;
        let v2 = (i / 64u) % 8u;
        let v3 = (i / 8u) % 8u;
        let v4 = i % 8u;
        let v5 = v1 * 8u + v2;
        let v6 = in1[v5];
        let v7 = held(v0 * v6);
        let v8 = f32(in2[i]);
        let v9 = held(v7 + v8);
        let v10 = max_f32(v9, 0.0f);
        out3[i] = f16(v10);
      }
      "
    `);
    for (const text of texts) if (text.includes("array<f16>")) expect(text).toContain("enable f16;\n");
  });

  it("is for what follows from a feed; what follows from weights alone stays in 32 bits", () => {
    const { plan, ids } = twoConvolutions();
    expect([...plan.halves]).toContain(ids.inner);
    expect(plan.locations.get(ids.folded)!.kind).toBe("slot");
    expect([...plan.halves]).not.toContain(ids.folded);
    const written = halfBuffersOf(plan.graph, { ...plan.program, writes: { y: "w" } }, "f16", plan.bufferOf);
    expect([...written]).toEqual([]);
  });

  it("asks a device for 2 bytes an element", async () => {
    const { plan, ids } = twoConvolutions();
    const asked: number[] = [];
    const enough = new Error("enough");
    const device = {
      requireBindable: (_: string, bytes: number) => asked.push(bytes),
      guarded: () => Promise.reject(enough),
    };
    const opening = DeviceProgram.open(
      "program",
      plan,
      device as unknown as Device,
      {} as DeviceState,
      () => undefined,
    );
    await expect(opening).rejects.toBe(enough);
    const expected = [...plan.locations.keys()].map(
      (id) => (id === ids.inner ? 2 : 4) * sizeOf(plan.graph.types[id]!.shape),
    );
    expect(asked).toEqual(expected);
  });

  it("has tiles of its own: what is tuned is what its kernels ask for", () => {
    const asked = new Set<string>();
    const pinned = new Proxy({} as Record<string, Tile>, {
      get: (_, key) => void asked.add(String(key)),
    });
    const target = defaultTarget();
    planProgram(evaluate, { ...target, tuning: { ...target.tuning, pinned }, storage: "f16" });
    expect(asked).toEqual(new Set(contractionsOf(evaluate, "f16").keys()));
    const halves = [...asked].filter((key) => key.includes(" f16 "));
    expect(halves.length).toBeGreaterThan(asked.size / 2);
    expect([...contractionsOf(evaluate).keys()].filter((key) => key.includes("f16"))).toEqual([]);
  });

  it.skipIf(SKIPPED !== undefined)(`is refused where the adapter lacks it (skipped: ${SKIPPED})`, async () => {
    const compiled = webgpuWith({ storage: "f16" }).compile(model.state, { evaluate });
    await expect(compiled).rejects.toThrow(
      /storage "f16" needs the feature shader-f16, which this adapter does not have/,
    );
  });
});

const NO_DENO =
  findDeno() === undefined || !hasLavapipe() ? "no Deno or no lavapipe (Debian: mesa-vulkan-drivers)" : undefined;

describe.skipIf(NO_DENO !== undefined)(`on lavapipe, which has shader-f16 (skipped: ${NO_DENO})`, () => {
  const hosts = new Hosts();
  afterAll(() => hosts[Symbol.asyncDispose]());

  const logitsOf = async (session: Session<"evaluate">) => {
    await session.write(initialize(model.state, 5));
    return [...(await session.run("evaluate", { images })).logits!.data];
  };

  it("a network's logits are near those of 32 bits, but not the same", async () => {
    const open = (options: object) => hosts.deno({ specifier: "asl-webgpu", create: "webgpuBackend", options });
    await using whole = await open({});
    await using half = await open({ storage: "f16" });
    const expected = await logitsOf(await whole.compile(model.state, { evaluate }));
    const logits = await logitsOf(await half.compile(model.state, { evaluate }));
    expect(logits).not.toEqual(expected);
    const largest = Math.max(...expected.map(Math.abs));
    // each of some 30 layers rounds to 11 bits
    for (const [i, logit] of logits.entries())
      expect(Math.abs(logit - expected[i]!)).toBeLessThan(30 * 2 ** -11 * largest);
  });
});
