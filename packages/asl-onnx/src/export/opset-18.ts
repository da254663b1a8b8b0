import type { ModelProto, NodeProto, TensorProto } from "../proto/messages.js";
import { int64Proto } from "../proto/tensors.js";

/** Operators of ours whose axes are an attribute up to opset 17 and an input from 18 on; all others are the same. */
const AXES_MOVED: readonly string[] = ["ReduceMax", "ReduceSumSquare"];

/** A model of opset 17 as one of opset 18. */
export function toOpset18(model: ModelProto): ModelProto {
  const initializer: TensorProto[] = [];
  const node = model.graph.node.map((each): NodeProto => {
    const axes = each.attribute.find(({ name }) => name === "axes");
    if (!AXES_MOVED.includes(each.opType) || axes?.ints === undefined) return each;
    const name = `${each.name}/axes`;
    initializer.push(int64Proto(name, axes.ints));
    return { ...each, input: [...each.input, name], attribute: each.attribute.filter((other) => other !== axes) };
  });
  return {
    ...model,
    opsetImport: model.opsetImport.map((each) => ((each.domain ?? "") === "" ? { ...each, version: 18 } : each)),
    graph: { ...model.graph, node, initializer: [...model.graph.initializer, ...initializer] },
  };
}
