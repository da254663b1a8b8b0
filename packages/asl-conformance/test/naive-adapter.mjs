// An adapter as somebody might begin it: every graph goes to the reference interpreter, state is a Map.
import { assertFinite, checkFeeds, checkProgram, checkState, InputError, sizeOf } from "asl-core";
import { evaluate } from "asl-reference";

const copyOf = ({ type, data }) => ({ type, data: data.slice() });

export default () => ({
  name: "naive",
  async compile(spec, programs) {
    for (const [name, program] of Object.entries(programs)) checkProgram(name, program, spec);
    const state = new Map(
      Object.entries(spec).map(([name, { type }]) => [name, { type, data: new Float32Array(sizeOf(type.shape)) }]),
    );
    let isOpen = true;
    const requireOpen = () => {
      if (!isOpen) throw new InputError("the session is closed");
    };
    const stateOf = (name) => {
      if (!state.has(name)) throw new InputError(`state "${name}" does not exist`);
      return state.get(name);
    };
    return {
      async run(name, feeds) {
        requireOpen();
        const { graph, reads, writes, finite } = programs[name];
        checkFeeds(name, programs[name], feeds);
        const inputs = { ...feeds };
        for (const [input, stateName] of Object.entries(reads)) inputs[input] = stateOf(stateName);
        const outputs = evaluate(graph, inputs, { precision: "f32" });
        assertFinite(outputs, finite);
        if (globalThis.process?.env.NAIVE_IS_WRONG) outputs.y.data.fill(7);
        const returned = {};
        for (const [output, tensor] of Object.entries(outputs)) {
          if (output in writes) state.set(writes[output], tensor);
          else returned[output] = tensor;
        }
        return returned;
      },
      async read(names = [...state.keys()]) {
        return Object.fromEntries(names.map((name) => [name, copyOf(stateOf(name))]));
      },
      async write(tensors) {
        checkState(spec, tensors);
        for (const [name, tensor] of Object.entries(tensors)) state.set(name, copyOf(tensor));
      },
      async [Symbol.asyncDispose]() {
        isOpen = false;
      },
    };
  },
});
