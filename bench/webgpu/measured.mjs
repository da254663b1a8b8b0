// Runs in the page of each side: what a run takes there, and how much memory of the device is taken.
import { scalar } from "asl-core";

const live = { bytes: 0, peak: 0 };

/** Buffers are counted as they are made and destroyed, whoever makes them. */
function countBuffers() {
  const { createBuffer } = GPUDevice.prototype;
  const { destroy } = GPUBuffer.prototype;
  const counted = new WeakSet();
  GPUDevice.prototype.createBuffer = function (descriptor) {
    const buffer = createBuffer.call(this, descriptor);
    live.bytes += buffer.size;
    live.peak = Math.max(live.peak, live.bytes);
    counted.add(buffer);
    return buffer;
  };
  GPUBuffer.prototype.destroy = function () {
    if (counted.delete(this)) live.bytes -= this.size;
    return destroy.call(this);
  };
}
countBuffers();

/**
 * A Backend whose runs also return `seconds`, from feeds in this page to results in this page, and `bufferBytes`, the most
 * that buffers have taken since the session was compiled, what a peer keeps of earlier ones included.
 */
export function measured(backend) {
  return {
    name: backend.name,
    async compile(state, programs) {
      live.peak = live.bytes;
      const session = await backend.compile(state, programs);
      return {
        read: (names) => session.read(names),
        write: (tensors) => session.write(tensors),
        async run(program, feeds) {
          const start = performance.now();
          const results = await session.run(program, feeds);
          const seconds = (performance.now() - start) / 1000;
          return { ...results, seconds: scalar(seconds), bufferBytes: scalar(live.peak) };
        },
        [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
      };
    },
  };
}

/** Session methods that a peer's guest has no use for. */
export const unused = (name) => async () => {
  throw new Error(`the benchmark does not call ${name}`);
};
