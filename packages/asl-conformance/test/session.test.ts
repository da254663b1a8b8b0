import type { Backend, Program, Session } from "asl-core";
import { referenceBackend } from "asl-reference";
import { describe, expect, it } from "vitest";
import { runSessionCase } from "../src/run.js";
import { SESSION_CASES } from "../src/session-cases.js";

const reference = referenceBackend({ precision: "f32" });

/** The reference with programs or sessions changed. */
function wrong(
  program: (program: Program) => Program,
  session: <P extends string>(session: Session<P>) => Partial<Session<P>> = () => ({}),
): Backend {
  return {
    name: "wrong",
    async compile<P extends string>(state: Parameters<Backend["compile"]>[0], programs: Readonly<Record<P, Program>>) {
      const changed = Object.fromEntries(
        Object.entries<Program>(programs).map(([name, each]) => [name, program(each)]),
      ) as Record<P, Program>;
      const right = await reference.compile(state, changed);
      return {
        run: (name, feeds) => right.run(name, feeds),
        read: (names) => right.read(names),
        write: (tensors) => right.write(tensors),
        [Symbol.asyncDispose]: () => right[Symbol.asyncDispose](),
        ...session(right),
      } satisfies Session<P>;
    },
  };
}

const same = (program: Program) => program;

const MISTAKES: readonly (readonly [string, string, Backend])[] = [
  [
    "does not check for finite outputs",
    "a-step-that-is-not-finite-changes-nothing",
    wrong((p) => ({ ...p, finite: [] })),
  ],
  ["forgets what a step writes", "steps-advance-the-state", wrong((p) => ({ ...p, writes: {} }))],
  ["hands out its own arrays", "writes-and-reads-are-copies", sharing()],
  ["stays open", "a-closed-session-refuses", wrong(same, () => ({ [Symbol.asyncDispose]: async () => undefined }))],
  [
    "takes feeds that nobody asked for",
    "feeds-are-checked",
    wrong(same, (right) => ({ run: (name, { z: _ignored, ...feeds }) => right.run(name, feeds) })),
  ],
];

/** One array for each state, written and read in place. */
function sharing(): Backend {
  return wrong(same, (right) => {
    let kept: Awaited<ReturnType<typeof right.read>> = {};
    return {
      async write(tensors) {
        kept = { ...kept, ...tensors };
        await right.write(tensors);
      },
      read: async (names) => ({ ...(await right.read(names)), ...kept }),
    };
  });
}

describe("cases of sessions", () => {
  it.each(MISTAKES)("a backend that %s fails %s", async (_mistake, name, backend) => {
    const each = SESSION_CASES.find((one) => one.name === `session/${name}`);
    const outcome = await runSessionCase(backend, each!);
    expect(outcome).toMatchObject({ status: "failed", subject: "session" });
    expect(outcome.error).toMatch(/must/);
  });

  it("a declared deviation is accepted, and counts as mended when it passes", async () => {
    const [each] = SESSION_CASES;
    expect(await runSessionCase(reference, each!)).toMatchObject({ status: "passed" });
    expect(await runSessionCase(reference, each!, "a reason")).toMatchObject({ status: "mended", reason: "a reason" });
  });
});
