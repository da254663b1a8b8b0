import { InputError, type TensorData, type Tensors } from "asl-core";
import { tensorFromJson } from "../tensor-json.js";
import type { Expectation, NetworkFixture, TensorReference } from "./network-fixture.js";

/** The tensors that a case refers to; each file is read once. */
export class TensorFiles {
  readonly #files = new Map<string, Promise<Tensors>>();

  constructor(private readonly readTensors: NetworkFixture["readTensors"]) {}

  all(file: string): Promise<Tensors> {
    const known = this.#files.get(file);
    if (known !== undefined) return known;
    const read = this.readTensors(file);
    this.#files.set(file, read);
    return read;
  }

  async find(reference: TensorReference): Promise<TensorData> {
    if (!("file" in reference)) return tensorFromJson(reference);
    const tensor = (await this.all(reference.file))[reference.tensor];
    if (tensor === undefined) throw new InputError(`${reference.file}: holds no tensor "${reference.tensor}"`);
    return reference.row === undefined ? tensor : rowOf(tensor, reference.row);
  }

  async record(references: Readonly<Record<string, TensorReference>>): Promise<Tensors> {
    const entries = Object.entries(references).map(
      async ([name, reference]) => [name, await this.find(reference)] as const,
    );
    return Object.fromEntries(await Promise.all(entries));
  }

  /** The tensors that an expectation names. */
  async expected({ tensors = {}, file, prefix = "" }: Expectation): Promise<Tensors> {
    const named = await this.record(tensors);
    return file === undefined ? named : { ...named, ...prefixed(await this.all(file), prefix) };
  }
}

export const prefixed = (tensors: Tensors, prefix: string): Tensors =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [prefix + name, tensor]));

/** x[row] of a tensor [rows, ...]. */
function rowOf({ type, data }: TensorData, row: number): TensorData {
  const shape = type.shape.slice(1);
  const size = shape.reduce((product, extent) => product * extent, 1);
  return { type: { ...type, shape }, data: data.slice(row * size, (row + 1) * size) };
}
