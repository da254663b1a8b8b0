import type { Backend, TensorData, Tensors } from "asl-core";

const SMALLEST_NORMAL = 2 ** -126;

const flushed = (tensors: Tensors): Tensors =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, { type, data }]): [string, TensorData] => [
      name,
      {
        type,
        data: data.map((x) => (Math.abs(x) < SMALLEST_NORMAL && type.dtype === "f32" ? 0 * x : x)) as typeof data,
      },
    ]),
  );

/** A backend whose device reads and writes denormals as 0. */
export function flushesDenormals(backend: Backend): Backend {
  return {
    name: backend.name,
    async compile(state, programs) {
      const session = await backend.compile(state, programs);
      return {
        run: async (program, feeds) => flushed(await session.run(program, flushed(feeds))),
        read: (names) => session.read(names),
        write: (tensors) => session.write(tensors),
        [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
      };
    },
  };
}
