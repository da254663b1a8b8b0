// An adapter as somebody might begin it: it hands every graph to the reference interpreter.
import { checkFeeds } from "asl-core";
import { evaluate } from "asl-reference";

export default () => ({
  name: "naive",
  async compile(_state, programs) {
    return {
      async run(name, feeds) {
        checkFeeds(name, programs[name], feeds);
        const outputs = evaluate(programs[name].graph, feeds, { precision: "f32" });
        return process.env.NAIVE_IS_WRONG
          ? { ...outputs, y: { ...outputs.y, data: outputs.y.data.map(() => 7) } }
          : outputs;
      },
      async read() {
        return {};
      },
      async write() {},
      async [Symbol.asyncDispose]() {},
    };
  },
});
