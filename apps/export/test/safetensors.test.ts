import { execFileSync } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { type KeyScheme, officialToTimm, readCheckpoint, readSafetensors } from "asl-checkpoint";
import { openModel, UsageError } from "asl-cli";
import type { TensorData, Tensors } from "asl-core";
import { beforeAll, describe, expect, it } from "vitest";
import { agreementBound, convolutionDepth } from "../src/agreement.js";
import { checkCombination } from "../src/combinations.js";
import { exportCommand } from "../src/command.js";
import { CHECKPOINT, golden, PYTHON, pythonHas, run, temporaryFolder } from "./support.js";

let folder: string;
beforeAll(async () => {
  folder = await temporaryFolder();
});

const bits = ({ data }: TensorData) => Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("hex");
const bitsOf = (tensors: Tensors) =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, [tensor.type.shape.join(), bits(tensor)]]));

const files = new Map<string, Promise<string>>();

/** The exported file of a network, made once. */
function exported(network: string, names: KeyScheme): Promise<string> {
  const key = `${network}-${names}`;
  const file = files.get(key) ?? exportOnce(network, names);
  files.set(key, file);
  return file;
}

async function exportOnce(network: string, names: KeyScheme): Promise<string> {
  const out = path.join(folder, `${network}-${names}.safetensors`);
  const { code, stdout, stderr } = await run(
    "--model",
    golden(network, "checkpoint.pth"),
    "--names",
    names,
    "--out",
    out,
  );
  expect(stderr).not.toContain("error");
  expect(code).toBe(0);
  expect(stdout).toMatch(new RegExp(`MB, \\d+ tensors in ${names} names\n$`));
  return out;
}

describe.each(["tresnet_tiny", "tresnet_tiny_bottleneck_head"])("the safetensors of %s", (network) => {
  it("in official names come back bit for bit, with the class names", async () => {
    const before = await readCheckpoint(golden(network, "checkpoint.pth"));
    const after = await readCheckpoint(await exported(network, "official"));
    expect(bitsOf(after.tensors)).toEqual(bitsOf(before.tensors));
    expect(after.keyScheme).toBe("official");
    expect(after.classNames).toEqual(before.classNames);
  });

  it("in timm's names come back bit for bit but for the sign of batch-norm weights, which does nothing", async () => {
    const before = await readCheckpoint(golden(network, "checkpoint.pth"));
    const file = await exported(network, "timm");
    const after = await readCheckpoint(file);
    expect(after.keyScheme).toBe("timm");
    expect(after.classNames).toEqual(before.classNames);
    const written = bitsOf((await readSafetensors(file)).tensors);
    expect(written).toEqual(bitsOf(officialToTimm(before.tensors).tensors));
    expect(bitsOf(officialToTimm(after.tensors).tensors)).toEqual(written);
    expect(Object.keys(after.tensors).sort()).toEqual(Object.keys(before.tensors).sort());
  });

  it.skipIf(!pythonHas("torch", "numpy")).each(["official", "timm"] as const)(
    "give the official logits in PyTorch, in %s names (skipped without Debian's python3-torch)",
    async (names) => {
      const file = await exported(network, names);
      const script = fileURLToPath(new URL("load_with_pytorch.py", import.meta.url));
      const pth = names === "official" ? [golden(network, "checkpoint.pth")] : [];
      const args = [script, file, golden(network, "activations.safetensors"), ...pth];
      const found = JSON.parse(execFileSync(PYTHON, args, { encoding: "utf8" })) as {
        logits: number[];
        unused: string[];
        sameNames?: boolean;
        different?: string[];
      };
      expect(found.unused).toEqual([]);
      if (names === "official") expect(found).toMatchObject({ sameNames: true, different: [] });
      const { tensors } = await readSafetensors(golden(network, "activations.safetensors"));
      const exact = tensors.logits_f64!.data;
      const { architecture } = await openModel(file);
      const bound = agreementBound(convolutionDepth(architecture), Math.max(...Array.from(exact, Math.abs)));
      expect(found.logits.length).toBe(exact.length);
      exact.forEach((value, index) => {
        expect(Math.abs(found.logits[index]! - value)).toBeLessThanOrEqual(bound);
      });
    },
  );
});

it("has the names of timm's own file", async () => {
  const own = await readSafetensors(golden("tresnet_tiny", "checkpoint_timm.safetensors"));
  const { tensors } = await readSafetensors(await exported("tresnet_tiny", "timm"));
  expect(Object.keys(tensors).sort()).toEqual(Object.keys(own.tensors).sort());
});

describe("wrong arguments", () => {
  it.each([
    [["--format", "safetensors", "--batch", "2"], /--batch: a safetensors file holds weights, not a graph/],
    [["--format", "safetensors", "--numerics", "exact", "--no-verify"], /--numerics, --no-verify: a safetensors/],
    [["--names", "timm"], /--names timm: an ONNX file has no state dict to name; add --format safetensors/],
  ])("%j", (options, message) => {
    const command = exportCommand();
    command.parse(["--model", CHECKPOINT, "--out", "model", ...options], { from: "user" });
    expect(() => checkCombination(command.opts())).toThrow(message);
    expect(() => checkCombination(command.opts())).toThrow(UsageError);
  });
});
