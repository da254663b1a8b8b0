import { type CheckpointMetadata, inspectTresnet, writeCheckpoint } from "asl-checkpoint";
import { emaName, type Model, type Session, type TensorData, type Tensors } from "asl-core";

/** The weights of one kind, under the names of the model's own state, in float32. */
export async function readWeights(session: Session, model: Model, weights: "regular" | "ema"): Promise<Tensors> {
  const names = Object.keys(model.state);
  const stateName = (name: string) => (weights === "ema" ? emaName(name) : name);
  const state = await session.read(names.map(stateName));
  return Object.fromEntries(names.map((name) => [name, inFloat32(state[stateName(name)]!)]));
}

/** Writes weights as a checkpoint; the description of the network is taken from the tensors themselves. */
export async function exportCheckpoint(
  file: string,
  tensors: Tensors,
  metadata: Omit<CheckpointMetadata, "model">,
): Promise<void> {
  const model = { ...inspectTresnet(tensors, file), numClasses: metadata.classNames.length };
  await writeCheckpoint(file, { tensors, metadata: { ...metadata, model } });
}

const inFloat32 = ({ type, data }: TensorData): TensorData => ({
  type,
  data: data instanceof Float64Array ? Float32Array.from(data) : data,
});
