import {
  add,
  type Backend,
  build,
  div,
  f32,
  InputError,
  mul,
  NonFiniteError,
  type Program,
  reduceSum,
  type Session,
  type StateSpec,
  type TensorData,
  type Tensors,
} from "asl-core";

/** What a session promises beside numbers: state, checks, order. */
export interface SessionCase {
  readonly name: string;
  /** Throws an Error that says what was expected and what came. */
  readonly check: (backend: Backend) => Promise<void>;
}

const type = { dtype: "f32", shape: [3] } as const;
const STATE: StateSpec = {
  a: { type, role: "parameter", init: { kind: "zeros" } },
  b: { type, role: "buffer", init: { kind: "zeros" } },
};
const vector = (...numbers: number[]) => f32([3], numbers);

/** a <- a + x; returns y = 2 x. */
const accumulate: Program = {
  graph: build((builder) => {
    const [a, x] = [builder.input("a", type), builder.input("x", type)];
    return { y: add(x, x), next: add(a, x) };
  }),
  reads: { a: "a" },
  writes: { next: "a" },
  finite: [],
};

/** a, b <- 2 b, 2 a; returns the sum of both as they were. */
const cross: Program = {
  graph: build((builder) => {
    const [b, a] = [builder.input("b", type), builder.input("a", type)];
    return { first: add(b, b), second: add(a, a), sum: reduceSum(add(a, b)) };
  }),
  reads: { a: "a", b: "b" },
  writes: { first: "a", second: "b" },
  finite: [],
};

/** a, b <- b, a, without a single op. */
const swap: Program = {
  graph: build((builder) => ({ first: builder.input("b", type), second: builder.input("a", type) })),
  reads: { a: "a", b: "b" },
  writes: { first: "a", second: "b" },
  finite: [],
};

/** b <- a b, y = 1 / x must be finite. */
const checked: Program = {
  graph: build((builder) => {
    const [a, b, x] = [builder.input("a", type), builder.input("b", type), builder.input("x", type)];
    return { y: div(1, x), next: add(mul(a, b), x) };
  }),
  reads: { a: "a", b: "b" },
  writes: { next: "b" },
  finite: ["y"],
};

/** Outputs that are inputs, and one value under two names. */
const passing: Program = {
  graph: build((builder) => {
    const x = builder.input("x", type);
    const y = add(x, 1);
    return { same: x, y, again: y };
  }),
  reads: {},
  writes: {},
  finite: [],
};

const PROGRAMS = { accumulate, cross, checked, passing };
type Name = keyof typeof PROGRAMS;

/** Runs `body` in a session with all programs and closes it. */
const inSession =
  (body: (session: Session<Name>) => Promise<void>) =>
  async (backend: Backend): Promise<void> => {
    await using session = await backend.compile(STATE, PROGRAMS);
    await body(session);
  };

function expectNumbers(what: string, tensor: TensorData | undefined, expected: readonly number[]): void {
  const actual = tensor === undefined ? undefined : Array.from(tensor.data);
  if (actual?.length !== expected.length || !actual.every((x, i) => Object.is(x, expected[i]))) {
    throw new Error(`${what} must be [${expected}]; got ${actual === undefined ? "nothing" : `[${actual}]`}`);
  }
}

async function expectError(
  what: string,
  kind: new (...args: never[]) => Error,
  action: () => Promise<unknown>,
): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (error instanceof kind) return;
    throw new Error(`${what} must throw ${kind.name}; threw ${String(error)}`);
  }
  throw new Error(`${what} must throw ${kind.name}; nothing was thrown`);
}

const named = (name: string, check: SessionCase["check"]): SessionCase => ({ name: `session/${name}`, check });

export const SESSION_CASES: readonly SessionCase[] = [
  named(
    "state-starts-at-zero",
    inSession(async (session) => {
      const state = await session.read();
      expectNumbers("a", state.a, [0, 0, 0]);
      expectNumbers("b", state.b, [0, 0, 0]);
    }),
  ),
  named(
    "writes-and-reads-are-copies",
    inSession(async (session) => {
      const written = vector(1, -2, 2 ** -140);
      await session.write({ a: written });
      written.data.fill(9);
      const first = await session.read(["a"]);
      expectNumbers("a", first.a, [1, -2, 2 ** -140]);
      first.a!.data.fill(9);
      expectNumbers("a, read again", (await session.read(["a"])).a, [1, -2, 2 ** -140]);
      expectNumbers("b, which was not written", (await session.read(["b"])).b, [0, 0, 0]);
    }),
  ),
  named(
    "steps-advance-the-state",
    inSession(async (session) => {
      await session.write({ a: vector(10, 20, 30) });
      const outputs = await session.run("accumulate", { x: vector(1, 2, 3) });
      expectNumbers("y", outputs.y, [2, 4, 6]);
      if ("next" in outputs) throw new Error("outputs that are written to state must not be returned; got next");
      await session.run("accumulate", { x: vector(1, 2, 3) });
      expectNumbers("a after two steps", (await session.read()).a, [12, 24, 36]);
    }),
  ),
  named(
    "reads-come-before-writes",
    inSession(async (session) => {
      await session.write({ a: vector(1, 2, 3), b: vector(4, 5, 6) });
      const { sum } = await session.run("cross", {});
      expectNumbers("the sum before the step", sum, [21]);
      const { a, b } = await session.read();
      expectNumbers("a, which takes 2 b", a, [8, 10, 12]);
      expectNumbers("b, which takes 2 a", b, [2, 4, 6]);
    }),
  ),
  named("a-program-may-only-move-state", async (backend) => {
    await using session = await backend.compile(STATE, { swap });
    await session.write({ a: vector(1, 2, 3), b: vector(4, 5, 6) });
    await session.run("swap", {});
    const { a, b } = await session.read();
    expectNumbers("a after the swap", a, [4, 5, 6]);
    expectNumbers("b after the swap", b, [1, 2, 3]);
  }),
  named(
    "programs-share-one-state",
    inSession(async (session) => {
      await session.write({ a: vector(1, 2, 3), b: vector(2, 2, 2) });
      await session.run("accumulate", { x: vector(1, 1, 1) });
      await session.run("checked", { x: vector(1, 1, 1) });
      expectNumbers("b", (await session.read(["b"])).b, [5, 7, 9]);
    }),
  ),
  named(
    "calls-run-in-order",
    inSession(async (session) => {
      const steps = [
        session.write({ a: vector(1, 1, 1) }),
        session.run("accumulate", { x: vector(1, 2, 3) }),
        session.run("cross", {}),
        session.run("accumulate", { x: vector(5, 5, 5) }),
      ];
      await Promise.all(steps);
      const { a, b } = await session.read();
      expectNumbers("a", a, [5, 5, 5]);
      expectNumbers("b", b, [4, 6, 8]);
    }),
  ),
  named(
    "a-step-that-is-not-finite-changes-nothing",
    inSession(async (session) => {
      await session.write({ a: vector(1, 2, 3), b: vector(1, 1, 1) });
      await expectError("1 / 0 in an output that must be finite", NonFiniteError, () =>
        session.run("checked", { x: vector(1, 0, 1) }),
      );
      expectNumbers("b after the failed step", (await session.read(["b"])).b, [1, 1, 1]);
      await session.run("checked", { x: vector(1, 1, 1) });
      expectNumbers("b after the next step", (await session.read(["b"])).b, [2, 3, 4]);
    }),
  ),
  named(
    "outputs-belong-to-the-caller",
    inSession(async (session) => {
      const feeds: Tensors = { x: vector(1, 2, 3) };
      const first = await session.run("passing", feeds);
      first.same!.data.fill(7);
      first.y!.data.fill(8);
      expectNumbers("the feed", feeds.x, [1, 2, 3]);
      expectNumbers("the same value under another name", first.again, [2, 3, 4]);
      const kept = await session.run("passing", feeds);
      await session.run("passing", { x: vector(4, 5, 6) });
      expectNumbers("an earlier result", kept.y, [2, 3, 4]);
    }),
  ),
  named(
    "feeds-are-checked",
    inSession(async (session) => {
      await expectError("a missing feed", InputError, () => session.run("accumulate", {}));
      await expectError("a feed of another shape", InputError, () =>
        session.run("accumulate", { x: f32([2], [1, 2]) }),
      );
      await expectError("a feed that is not asked for", InputError, () =>
        session.run("accumulate", { x: vector(1, 2, 3), z: vector(1, 2, 3) }),
      );
    }),
  ),
  named(
    "names-of-state-are-checked",
    inSession(async (session) => {
      await expectError("writing an unknown state", InputError, () => session.write({ c: vector(1, 2, 3) }));
      await expectError("reading an unknown state", InputError, () => session.read(["c"]));
      await expectError("writing another shape", InputError, () => session.write({ a: f32([1], [1]) }));
    }),
  ),
  named("programs-are-checked", async (backend) => {
    const stray: Program = { ...accumulate, reads: { a: "nowhere" } };
    await expectError("compiling a program that reads an unknown state", InputError, () =>
      backend.compile(STATE, { stray }),
    );
  }),
  named("a-closed-session-refuses", async (backend) => {
    const session = await backend.compile(STATE, PROGRAMS);
    await session[Symbol.asyncDispose]();
    await expectError("running in a closed session", InputError, () => session.run("passing", { x: vector(1, 2, 3) }));
  }),
];
