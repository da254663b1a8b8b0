export { buildHuffman } from "./huffman";
export { reconstruct } from "./inverse-dct";
export { decodeScan } from "./scan";
export { planesToRgb, planeToRgb } from "./upsample";
