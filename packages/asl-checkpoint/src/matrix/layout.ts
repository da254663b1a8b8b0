import { type ElementType, elementBytes } from "../elements.js";
import { CheckpointError } from "../errors.js";
import { RandomAccessFile } from "../file/random-access.js";
import { ZipArchive } from "../file/zip.js";
import { isNpy, NPY_HEADER_BYTES, NpyFormatError, type NpyHeader, parseNpyHeader } from "../npz/npy.js";
import { readHeader } from "../safetensors/header.js";

/** Where a matrix of numbers stands in a file that is larger than memory; little-endian. */
export interface MatrixLayout {
  readonly file: string;
  /** Its name in an .npz or safetensors file; "" where a file holds one matrix. */
  readonly name: string;
  readonly elementType: ElementType;
  readonly rows: number;
  readonly columns: number;
  /** Byte of the first element. */
  readonly start: number;
  /** Which index runs slowest: "row" is C order, "column" Fortran order. */
  readonly order: "row" | "column";
}

const NPY_TYPES: Readonly<Record<string, ElementType>> = {
  f2: "F16",
  f4: "F32",
  f8: "F64",
  i1: "I8",
  i2: "I16",
  i4: "I32",
  i8: "I64",
  u1: "U8",
  u2: "U16",
  u4: "U32",
  u8: "U64",
  b1: "BOOL",
};

/**
 * The two-dimensional arrays of a .npy, an .npz or a safetensors file, told apart by content; nothing but headers is
 * read.
 * @throws CheckpointError when the file is missing, damaged, or something else; compressed or big-endian arrays are
 * named with what to do
 */
export async function matrixLayouts(file: string): Promise<readonly MatrixLayout[]> {
  await using opened = await RandomAccessFile.open(file);
  if (opened.size === 0) throw new CheckpointError(file, "the file is empty (0 bytes)");
  const begin = Buffer.from(await opened.read(0, Math.min(opened.size, NPY_HEADER_BYTES)));
  if (isNpy(begin)) return await npyLayout(opened, "", 0, opened.size);
  if (begin.toString("latin1", 0, 2) === "PK") return await npzLayouts(opened);
  const { entries } = await readHeader(opened);
  return [...entries].flatMap(([name, { elementType, shape, start }]) =>
    matrixOf({ file, name, elementType, start, order: "row" }, shape),
  );
}

/** A file of nothing but numbers, row by row. Throws CheckpointError when its size is another. */
export async function rawMatrixLayout(
  file: string,
  { elementType, rows, columns }: Pick<MatrixLayout, "elementType" | "rows" | "columns">,
): Promise<MatrixLayout> {
  await using opened = await RandomAccessFile.open(file);
  const expected = rows * columns * elementBytes(elementType);
  if (opened.size !== expected) {
    throw new CheckpointError(
      file,
      `[${rows},${columns}] of ${elementType} is ${expected} bytes; the file has ${opened.size}`,
    );
  }
  return { file, name: "", elementType, rows, columns, start: 0, order: "row" };
}

async function npzLayouts(opened: RandomAccessFile): Promise<readonly MatrixLayout[]> {
  const zip = await ZipArchive.open(opened);
  const layouts: MatrixLayout[] = [];
  for (const name of zip.names) {
    if (!name.endsWith(".npy")) continue;
    const array = name.slice(0, -4);
    const place = await zip.locate(name);
    if (place === null) {
      throw new CheckpointError(
        opened.file,
        `array "${array}" is compressed, so parts of it cannot be read alone. ` +
          "Write it with numpy.savez or numpy.save instead of savez_compressed, or leave out --memory",
      );
    }
    layouts.push(...(await npyLayout(opened, array, place.start, place.size)));
  }
  return layouts;
}

async function npyLayout(opened: RandomAccessFile, name: string, start: number, size: number) {
  const { file } = opened;
  let header: NpyHeader;
  try {
    header = parseNpyHeader(Buffer.from(await opened.read(start, Math.min(size, NPY_HEADER_BYTES))));
  } catch (error) {
    if (error instanceof NpyFormatError) throw new CheckpointError(file, `array "${name}" is ${error.message}`);
    throw error;
  }
  const elementType = Object.hasOwn(NPY_TYPES, header.kind) ? NPY_TYPES[header.kind] : undefined;
  if (elementType === undefined) return [];
  if (header.bigEndian) {
    throw new CheckpointError(file, `array "${name}" is big-endian; save it with array.astype("<${header.kind}")`);
  }
  const bytes = header.shape.reduce((product, extent) => product * extent, elementBytes(elementType));
  if (bytes !== size - header.dataStart) {
    throw new CheckpointError(
      file,
      `array "${name}" of shape (${header.shape.join(", ")}) needs ${bytes} bytes, not ${size - header.dataStart}: ` +
        "it is truncated or damaged",
    );
  }
  const order = header.fortranOrder ? "column" : "row";
  return matrixOf({ file, name, elementType, start: start + header.dataStart, order }, header.shape);
}

function matrixOf(known: Omit<MatrixLayout, "rows" | "columns">, shape: readonly number[]): readonly MatrixLayout[] {
  const [rows, columns] = shape;
  return shape.length === 2 && rows !== undefined && columns !== undefined ? [{ ...known, rows, columns }] : [];
}
