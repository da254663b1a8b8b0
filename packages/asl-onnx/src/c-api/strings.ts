const encoder = new TextEncoder();

/** UTF-8 with a 0 at its end. */
export const cString = (text: string): Uint8Array => encoder.encode(`${checked(text)}\0`);

/** A file's name as the system wants it: UTF-16 on Windows (`ORTCHAR_T`). */
export const cPath = (text: string): Uint8Array =>
  process.platform === "win32" ? new Uint8Array(Buffer.from(`${checked(text)}\0`, "utf16le")) : cString(text);

function checked(text: string): string {
  if (text.includes("\0")) throw new TypeError(`a name for ONNX Runtime has no character 0: ${JSON.stringify(text)}`);
  return text;
}
