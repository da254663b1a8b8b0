/** One character per byte, of the same number (ISO 8859-1). For short pieces. */
export const latin1 = (bytes: Uint8Array): string => String.fromCharCode(...bytes);

/** UTF-8; what is none becomes U+FFFD, and a byte order mark stays. */
export const utf8 = (bytes: Uint8Array): string => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);

/** A view for numbers of these bytes. */
export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
