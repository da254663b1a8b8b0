/** A name of an enum of the schema; printed without quotes. */
export class EnumValue {
  constructor(readonly name: string) {}
}

export interface TextMessage {
  readonly [field: string]: TextValue | undefined;
}

/** Lists are repeated fields. */
export type TextValue = string | number | boolean | EnumValue | TextMessage | readonly TextValue[];

/** Protocol buffers' text format (protobuf.dev/reference/protobuf/textformat-spec), one field a line. */
export const printTextProto = (message: TextMessage): string => `${fields(message, "").join("\n")}\n`;

function fields(message: TextMessage, indent: string): readonly string[] {
  return Object.entries(message).flatMap(([name, value]) => (value === undefined ? [] : field(name, value, indent)));
}

function field(name: string, value: TextValue, indent: string): readonly string[] {
  if (Array.isArray(value)) {
    const scalars = value.every((each) => isScalar(each));
    if (scalars) return [`${indent}${name}: [${value.map((each) => scalar(each)).join(", ")}]`];
    return value.flatMap((each: TextValue) => field(name, each, indent));
  }
  if (isScalar(value)) return [`${indent}${name}: ${scalar(value)}`];
  const inner = fields(value as TextMessage, `${indent}  `);
  return inner.length === 0 ? [`${indent}${name} {}`] : [`${indent}${name} {`, ...inner, `${indent}}`];
}

type Scalar = string | number | boolean | EnumValue;

const isScalar = (value: TextValue): value is Scalar => typeof value !== "object" || value instanceof EnumValue;

function scalar(value: Scalar): string {
  if (value instanceof EnumValue) return value.name;
  return typeof value === "string" ? quoted(value) : String(value);
}

const ESCAPES: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\" };

/** Control characters as octal numbers; all else of Unicode stands for itself, as UTF-8. */
function quoted(text: string): string {
  const escaped = Array.from(text, (character) => {
    const code = character.codePointAt(0)!;
    if (code >= 32 && code !== 127) return ESCAPES[character] ?? character;
    return ESCAPES[character] ?? `\\${code.toString(8).padStart(3, "0")}`;
  });
  return `"${escaped.join("")}"`;
}
