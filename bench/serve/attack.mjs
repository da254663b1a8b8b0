import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { hostileRequests, slowRequests } from "./hostile-requests.mjs";

const CLIENTS = 16;
const SLOW_CLIENTS = 8;
const PARTS = 20;
/** Milliseconds without an answer. */
const PATIENCE = 60_000;

/**
 * `count` requests that no honest client makes, 16 at a time, and slow clients beside them all the while. What came back
 * by kind and status, what was not expected, and the server's memory before and after each twentieth.
 */
export async function attack(server, count, report) {
  const { hostname: host, port } = new URL(server.address);
  const at = { host, port: Number(port) };
  const answers = new Map();
  const unexpected = new Map();
  const note = ({ name, expects }, status) => {
    const key = `${name}: ${status}`;
    answers.set(key, (answers.get(key) ?? 0) + 1);
    // a full server refuses whatever comes
    if (status !== "503" && !expects.includes(status)) unexpected.set(key, (unexpected.get(key) ?? 0) + 1);
  };
  const requests = await hostileRequests();
  const slow = slowRequests();
  let done = false;
  let slowCount = 0;
  const dribble = async () => {
    while (!done) {
      const each = slow[slowCount++ % slow.length];
      note(each, await statusOf(at, each));
    }
  };
  const dribbling = Array.from({ length: SLOW_CLIENTS }, dribble);
  const memory = [{ requests: 0, bytes: server.memory() }];
  let next = 0;
  for (let part = 1; part <= PARTS; part++) {
    const end = Math.round((count * part) / PARTS);
    const walk = async () => {
      while (next < end) {
        const each = requests[next++ % requests.length];
        note(each, await statusOf(at, each));
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, walk));
    memory.push({ requests: end, bytes: server.memory() });
    report(`${end} hostile requests: ${(memory.at(-1).bytes / 2 ** 20).toFixed(0)} MiB`);
  }
  done = true;
  await Promise.all(dribbling);
  const inOrder = (map) => Object.fromEntries([...map].sort());
  return { requests: count, slow: slowCount, answers: inOrder(answers), unexpected: inOrder(unexpected), memory };
}

/** The status of the answer; "closed" when the server hangs up without, "hung up" when the request itself does. */
function statusOf({ host, port }, { bytes, hangsUp = false, pace }) {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    let text = "";
    const end = (answer) => {
      socket.destroy();
      resolve(answer);
    };
    const status = () => (text === "" ? "closed" : text.slice(9, 12));
    socket.setTimeout(PATIENCE, () => end("no answer"));
    socket.on("error", () => resolve(status()));
    socket.on("close", () => resolve(status()));
    socket.on("data", (data) => {
      text += data.toString("latin1");
      if (text.includes("\r\n\r\n")) end(status());
    });
    if (pace !== undefined) void send(socket, bytes, pace);
    else
      socket.write(bytes, () => {
        if (hangsUp) end("hung up");
      });
  });
}

/** One byte after another, `pace` milliseconds apart. */
async function send(socket, bytes, pace) {
  for (const byte of bytes) {
    await sleep(pace);
    if (socket.destroyed) return;
    socket.write(Buffer.of(byte));
  }
}
