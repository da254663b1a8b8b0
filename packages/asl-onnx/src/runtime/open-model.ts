import { formatShape, InputError, type Shape, sizeOf, type TensorData, type Tensors } from "asl-core";
import type { Tensor } from "onnxruntime-common";
import { metadataOf, type OnnxMetadata, type OnnxValueType } from "../export/metadata.js";
import { decodeModel } from "../proto/decode.js";
import type { ModelProto } from "../proto/messages.js";
import { feedKernels } from "./fed-kernels.js";
import { ModelSession } from "./model-session.js";
import { type RuntimeOptions, sessionOptions } from "./options.js";
import { fromRuntime, type OnnxRuntime, toRuntime } from "./tensors.js";

/** A file is in the form for ONNX Runtime's own kernels: what those of a GPU do otherwise was not asked for at its export. */
export interface OpenOptions extends Omit<RuntimeOptions, "provider"> {
  readonly runtime: OnnxRuntime;
  /**
   * `held` (default): the session copies the weights, and may rearrange them for faster runs. `fed`: the kernels of
   * convolutions go in with every run out of the memory where they are, which must stay as it is: loads sooner, holds
   * them once, and is for a few runs below the optimisation level "all".
   */
  readonly kernels?: "held" | "fed";
}

/** Bytes, as of decoded pictures [batch,height,width,3]. */
export interface ByteTensor {
  readonly type: { readonly dtype: "u8"; readonly shape: Shape };
  readonly data: Uint8Array;
}

export type ModelInputs = Readonly<Record<string, TensorData | ByteTensor>>;

/** A loaded `.onnx` file. */
export interface OnnxModelSession extends OnnxMetadata, AsyncDisposable {
  /** Runs the model on named inputs. Throws InputError for inputs that do not fit. */
  run(inputs: ModelInputs): Promise<Tensors>;
}

/**
 * Opens the bytes of an `.onnx` file, or a model that is none yet (`exportModel`), for inference. Throws InputError when
 * they are not one, or an output holds bytes.
 */
export async function openOnnxModel(model: Uint8Array | ModelProto, options: OpenOptions): Promise<OnnxModelSession> {
  const { runtime, kernels } = options;
  const message = model instanceof Uint8Array ? decodeModel(model) : model;
  const signature = metadataOf(message);
  const outputTypes = Object.entries(signature.outputs).map(([name, { dtype }]) => {
    if (dtype === "u8") throw new InputError(`model: output "${name}" holds bytes; f32, i32 and bool are read`);
    return [name, dtype] as const;
  });
  const loaded = kernels === "fed" ? feedKernels(runtime, message) : { model, kernels: {} };
  const session = await ModelSession.load(
    runtime,
    "model",
    loaded.model,
    sessionOptions("inference", { ...options, provider: "cpu" }),
  );
  const fetches = Object.fromEntries(Object.keys(signature.outputs).map((name) => [name, null]));
  return {
    ...signature,
    async run(inputs) {
      checkInputs(signature.inputs, inputs);
      const feeds: Record<string, Tensor> = { ...loaded.kernels };
      for (const [name, tensor] of Object.entries(inputs)) feeds[name] = feedOf(runtime, tensor);
      const fetched = await session.run(feeds, fetches);
      const outputs: Record<string, TensorData> = {};
      for (const [name, dtype] of outputTypes) {
        const tensor = fetched[name]!;
        outputs[name] = fromRuntime(name, tensor, { dtype, shape: [...tensor.dims] });
      }
      return outputs;
    },
    [Symbol.asyncDispose]: () => session.release(),
  };
}

const isBytes = (tensor: TensorData | ByteTensor): tensor is ByteTensor => tensor.type.dtype === "u8";

const feedOf = (runtime: OnnxRuntime, tensor: TensorData | ByteTensor): Tensor =>
  isBytes(tensor) ? new runtime.Tensor("uint8", tensor.data, [...tensor.type.shape]) : toRuntime(runtime, tensor);

function checkInputs(expected: Readonly<Record<string, OnnxValueType>>, inputs: ModelInputs): void {
  for (const [name, { dtype, shape }] of Object.entries(expected)) {
    const wanted = `${dtype}[${shape.join(",")}]`;
    const tensor = inputs[name];
    if (tensor === undefined) throw new InputError(`model: input "${name}" ${wanted} is missing`);
    const { type } = tensor;
    const fits =
      type.dtype === dtype &&
      type.shape.length === shape.length &&
      shape.every((extent, axis) => typeof extent === "string" || extent === type.shape[axis]);
    if (!fits)
      throw new InputError(`model: input "${name}" must be ${wanted}; got ${type.dtype}${formatShape(type.shape)}`);
    if (tensor.data.length !== sizeOf(type.shape)) {
      throw new InputError(`model: input "${name}" ${wanted} has ${tensor.data.length} elements`);
    }
  }
  for (const [name, tensor] of Object.entries(inputs)) {
    if (Object.hasOwn(expected, name)) continue;
    const known = Object.keys(expected).join(", ");
    throw new InputError(`model: no input is called "${name}" (${formatShape(tensor.type.shape)}); it takes ${known}`);
  }
}
