// Compiles kernels/ (AssemblyScript) into src/kernels/binary.ts. test/kernels.test.ts checks that the two belong together.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const here = import.meta.dirname;

/** The text of src/kernels/binary.ts. */
export async function compileKernels() {
  const folder = mkdtempSync(join(tmpdir(), "asl-data-kernels-"));
  try {
    const file = join(folder, "kernels.wasm");
    const entry = relative(process.cwd(), join(here, "kernels/index.ts"));
    const { error, stderr } = await asc.main([
      entry,
      ...["--outFile", relative(process.cwd(), file)],
      ...["-O3", "--noAssert", "--runtime", "stub", "--enable", "simd"],
    ]);
    if (error) throw new Error(`${error.message}\n${stderr.toString()}`);
    const base64 = readFileSync(file).toString("base64");
    return (
      "/** The WebAssembly of kernels/, made by compile-kernels.mjs. Not edited by hand. */\n" +
      `export const KERNELS_BASE64 =\n  "${base64}";\n`
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(join(here, "src/kernels/binary.ts"), await compileKernels());
}
