import { writeAtomically } from "asl-checkpoint";
import crc32c from "crc-32/crc32c.js";
import protobuf from "protobufjs/light.js";
import { appendToLog, readLog } from "../log-file.js";

/** Scalars of one step, by tag. */
export interface ScalarEvent {
  readonly step: number;
  /** Seconds since 1970. */
  readonly wallTime: number;
  readonly scalars: Readonly<Record<string, number>>;
}

/** The fields of tensorflow/core/util/event.proto and summary.proto that scalars need. */
const EVENT_TYPE = protobuf.Root.fromJSON({
  nested: {
    Event: {
      fields: {
        wallTime: { type: "double", id: 1 },
        step: { type: "int64", id: 2 },
        fileVersion: { type: "string", id: 3 },
        summary: { type: "Summary", id: 5 },
      },
    },
    Summary: { fields: { value: { rule: "repeated", type: "Value", id: 1 } } },
    Value: { fields: { tag: { type: "string", id: 1 }, simpleValue: { type: "float", id: 2 } } },
  },
}).lookupType("Event");

const FILE_VERSION = "brain.Event:2";

/**
 * A TensorBoard event file of scalars that grows event by event: TFRecords (length, masked CRC-32C of the length, data,
 * masked CRC-32C of the data) of Event messages.
 */
export class EventFile {
  private constructor(readonly file: string) {}

  /**
   * Opens `file`, keeping those of its events for which `keeps` says so: after an interruption, what was written later
   * than the snapshot is done again. A record cut off or damaged ends the file.
   */
  static async open(file: string, keeps: (event: ScalarEvent) => boolean): Promise<EventFile> {
    const kept = readEvents(await readLog(file)).filter(keeps);
    const version = record(
      EVENT_TYPE.encode({ wallTime: kept[0]?.wallTime ?? now(), fileVersion: FILE_VERSION }).finish(),
    );
    const bytes = Buffer.concat([version, ...kept.map(encodeEvent)]);
    await writeAtomically(file, (writer) => writer.write(bytes, 0));
    return new EventFile(file);
  }

  /** Adds events. Throws RunDirectoryError when the file cannot be written. */
  async append(events: readonly ScalarEvent[]): Promise<void> {
    if (events.length === 0) return;
    await appendToLog(this.file, Buffer.concat(events.map(encodeEvent)));
  }
}

/** Seconds since 1970, as events have them. */
export const now = () => Date.now() / 1000;

/** The scalar events of a file's bytes, up to the first record that is cut off or damaged. */
export function readEvents(bytes: Buffer): ScalarEvent[] {
  const events: ScalarEvent[] = [];
  for (let at = 0; at + 16 <= bytes.length; ) {
    const length = Number(bytes.readBigUInt64LE(at));
    const end = at + 12 + length;
    const intact = masked(bytes.subarray(at, at + 8)) === bytes.readUInt32LE(at + 8) && end + 4 <= bytes.length;
    const data = bytes.subarray(at + 12, end);
    if (!intact || masked(data) !== bytes.readUInt32LE(end)) break;
    const { summary, step, wallTime } = EVENT_TYPE.toObject(EVENT_TYPE.decode(data), { longs: Number, defaults: true });
    const values: readonly { tag: string; simpleValue: number }[] = summary?.value ?? [];
    if (values.length > 0) {
      events.push({ step, wallTime, scalars: Object.fromEntries(values.map((each) => [each.tag, each.simpleValue])) });
    }
    at = end + 4;
  }
  return events;
}

function encodeEvent({ step, wallTime, scalars }: ScalarEvent): Buffer {
  const value = Object.entries(scalars).map(([tag, simpleValue]) => ({ tag, simpleValue }));
  return record(EVENT_TYPE.encode({ wallTime, step, summary: { value } }).finish());
}

function record(data: Uint8Array): Buffer {
  const bytes = Buffer.alloc(12 + data.length + 4);
  bytes.writeBigUInt64LE(BigInt(data.length), 0);
  bytes.writeUInt32LE(masked(bytes.subarray(0, 8)), 8);
  bytes.set(data, 12);
  bytes.writeUInt32LE(masked(data), 12 + data.length);
  return bytes;
}

/** TFRecord's mask, so that a CRC of data that hold CRCs is no problem: ((crc >> 15) | (crc << 17)) + 0xa282ead8. */
function masked(data: Uint8Array): number {
  const crc = crc32c.buf(data);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
