// Our side of bench tresnet, a process of its own so that its memory can be compared. Reads one JSON request a line,
// answers one JSON line, as ../peers/tresnet.py does.
import { createInterface } from "node:readline";
import { initialTensors } from "asl-core";
import { onnxNodeBackend } from "asl-onnx/node";
import { TASKS } from "./programs.mjs";

async function prepare(request) {
  const { state, program, feeds } = TASKS[request.task](request);
  const session = await onnxNodeBackend({ threads: request.threads, binding: request.binding }).compile(state, {
    program,
  });
  for (const [name, tensor] of initialTensors(state, 0)) await session.write({ [name]: tensor });
  let step = 0;
  return async () => {
    step += 1;
    const fed = feeds(step);
    const start = performance.now();
    await session.run("program", fed);
    return (performance.now() - start) / 1000;
  };
}

let step;
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  let answer;
  if (request.task === "step") answer = { seconds: await step() };
  else if (request.task === "memory") answer = { bytes: process.resourceUsage().maxRSS * 1024 };
  else {
    step = await prepare(request);
    answer = { ready: true };
  }
  console.log(JSON.stringify(answer));
}
process.exit(0);
