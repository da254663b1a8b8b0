import sharp from "sharp";

const post = (headers, body, path = "/v1/tag") =>
  Buffer.concat([
    Buffer.from(`POST ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${headers}\r\n\r\n`, "latin1"),
    body,
  ]);
const sent = (type, body, path) => post(`content-type: ${type}\r\ncontent-length: ${body.length}`, body, path);

/**
 * [{ name, bytes, expects, hangsUp }]: whole HTTP requests as bytes, and the statuses that are right answers; `hangsUp`: the
 * client goes away after sending.
 */
export async function hostileRequests() {
  const plain = (size) => sharp({ create: { width: size, height: size, channels: 3, background: "#c43" } });
  const jpeg = await plain(200).jpeg().toBuffer();
  const png = await plain(200).png().toBuffer();
  // 64 million pixels of one colour: some kilobytes as a file, 192 MB in memory
  const bomb = await plain(8000).png({ compressionLevel: 9, palette: true }).toBuffer();
  const damaged = Buffer.from(png);
  damaged.fill(0xff, 60, 90);
  const liar = Buffer.from(png);
  // width and height of the header say 2^31 - 1
  liar.writeUInt32BE(0x7fffffff, 16);
  liar.writeUInt32BE(0x7fffffff, 20);
  const unfinished = post("content-type: image/jpeg\r\ncontent-length: 500000", jpeg);
  return [
    ["truncated JPEG", sent("image/jpeg", jpeg.subarray(0, jpeg.length >> 1)), ["422"]],
    ["truncated PNG", sent("image/png", png.subarray(0, png.length - 30)), ["422"]],
    ["damaged PNG", sent("image/png", damaged), ["422"]],
    ["decompression bomb", sent("image/png", bomb), ["413"]],
    ["PNG that claims 2^31 x 2^31", sent("image/png", liar), ["422"]],
    ["JPEG's first bytes only", sent("image/jpeg", jpeg.subarray(0, 2)), ["415", "422"]],
    ["text as a picture", sent("image/png", Buffer.from("<script>alert(1)</script>")), ["415"]],
    ["SVG", sent("image/svg+xml", svg('width="9" height="9"')), ["415"]],
    ["SVG that includes a file", sent("image/svg+xml", svg("", '<image href="file:///etc/passwd"/>')), ["415"]],
    ["JSON", sent("application/json", Buffer.from('{"image": null}')), ["415"]],
    ["a form", sent("application/x-www-form-urlencoded", Buffer.from("a=b")), ["415"]],
    ["no body", sent("image/png", Buffer.alloc(0)), ["400"]],
    ["no content type", post("content-length: 3", Buffer.from("abc")), ["415"]],
    [
      "too many bytes, announced",
      post("content-type: image/png\r\ncontent-length: 999999999", Buffer.alloc(100)),
      ["413"],
    ],
    ["too many bytes, in chunks", chunked(2 ** 20 + 5), ["413"]],
    ["a length that is no number", post("content-type: image/png\r\ncontent-length: many", Buffer.alloc(0)), ["400"]],
    [
      "two lengths",
      post("content-type: image/png\r\ncontent-length: 3\r\ncontent-length: 4", Buffer.from("abcd")),
      ["400"],
    ],
    ["a header of 100 kB", post(`content-type: image/png\r\nx: ${"a".repeat(100_000)}`, Buffer.alloc(0)), ["431"]],
    ["no HTTP", Buffer.from("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "latin1"), ["400"]],
    ["a wrong query", sent("image/png", png, "/v1/tag?threshold=NaN"), ["400"]],
    ["prototype in the query", sent("image/png", png, "/v1/tag?__proto__[x]=1&constructor=2"), ["400"]],
    ["a path out of the root", sent("image/png", png, "/../../etc/passwd"), ["404"]],
    ["the wrong method", Buffer.from("DELETE /v1/tag HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"), ["405"]],
    ["hangs up while sending", unfinished, ["hung up"], true],
    ["hangs up before the answer", sent("image/jpeg", jpeg), ["hung up"], true],
  ].map(([name, bytes, expects, hangsUp = false]) => ({ name, bytes, expects, hangsUp }));
}

/** The same of clients that send a byte every `pace` milliseconds; a silent one sends none. */
export function slowRequests() {
  const head = "POST /v1/tag HTTP/1.1\r\nhost: x\r\ncontent-type: image/png\r\n";
  const slow = (name, bytes, expects) => ({ name, bytes, expects, pace: 250 });
  return [
    slow("sends headers slowly", Buffer.from(`${head}x: ${"a".repeat(1000)}\r\n\r\n`), ["408"]),
    { name: "sends nothing", bytes: Buffer.alloc(0), expects: ["408", "closed"] },
    { name: "stops in the headers", bytes: Buffer.from(head), expects: ["408"] },
    {
      name: "stops in the body",
      bytes: post("content-length: 1000\r\ncontent-type: image/png", Buffer.alloc(10)),
      expects: ["408"],
    },
    slow("sends half a line slowly", Buffer.from("POST /v1/tag".padEnd(100, "x")), ["408", "400"]),
  ];
}

const svg = (attributes, content = "") =>
  Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" ${attributes}>${content}</svg>`);

function chunked(length) {
  const chunk = Buffer.alloc(65_536, 7);
  const parts = [
    Buffer.from("POST /v1/tag HTTP/1.1\r\nhost: x\r\ncontent-type: image/png\r\ntransfer-encoding: chunked\r\n\r\n"),
  ];
  for (let done = 0; done < length; done += chunk.length)
    parts.push(Buffer.from("10000\r\n"), chunk, Buffer.from("\r\n"));
  parts.push(Buffer.from("0\r\n\r\n"));
  return Buffer.concat(parts);
}
