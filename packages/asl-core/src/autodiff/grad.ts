import { GraphError } from "../errors/errors.js";
import { broadcastTo } from "../functions/broadcasting.js";
import { add } from "../functions/elementwise.js";
import type { Builder, Value } from "../graph/builder.js";
import type { AnyNode, ValueId } from "../graph/graph.js";
import { traitsOf } from "../ops/table.js";
import { formatType } from "../types/tensor.js";
import { VJPS, type Vjp } from "./vjp.js";

/**
 * d loss / d value for each of `withRespectTo`, as new nodes of the same graph (scope "grad/" + the forward scope).
 * `loss` is a scalar f32. A value that the loss does not depend on gets zeros. Reverse mode, one sweep.
 */
export function grad(loss: Value, withRespectTo: readonly Value[]): Value[] {
  const { builder } = loss;
  if (loss.type.dtype !== "f32" || loss.shape.length !== 0) {
    throw new GraphError(`grad: the loss must be a scalar f32[]; got ${formatType(loss.type)}`);
  }
  const forward = builder.nodes.slice();
  const active = activeValues(builder, forward, withRespectTo);
  const gradients = new Map<ValueId, Value>([[loss.id, builder.constant(1)]]);

  for (let i = forward.length - 1; i >= 0; i--) {
    const node = forward[i]!;
    const g = gradients.get(node.output);
    if (g === undefined || !active.has(node.output)) continue;
    builder.scope(`grad/${node.scope}`, () => accumulate(builder, node, g, active, gradients), "root");
  }

  return withRespectTo.map((value) => gradients.get(value.id) ?? broadcastTo(builder.constant(0), value.shape));
}

/** Values through which `sources` reach later nodes. */
function activeValues(builder: Builder, nodes: readonly AnyNode[], sources: readonly Value[]): Set<ValueId> {
  const active = new Set(sources.map((value) => value.id));
  for (const node of nodes) {
    const custom = builder.customGradient(node.output);
    const reached = custom?.inputs.some((input) => active.has(input.id)) ?? false;
    const passes = !traitsOf(node.op).zeroGradient && node.inputs.some((input) => active.has(input));
    if (reached || passes) active.add(node.output);
  }
  return active;
}

function accumulate(
  builder: Builder,
  node: AnyNode,
  g: Value,
  active: ReadonlySet<ValueId>,
  gradients: Map<ValueId, Value>,
): void {
  const { inputs, contributions } = contributionsOf(builder, node, g, active);
  inputs.forEach((id, i) => {
    const contribution = contributions[i];
    if (contribution === undefined || !active.has(id)) return;
    const known = gradients.get(id);
    gradients.set(id, known === undefined ? contribution : add(known, contribution));
  });
}

interface Contributions {
  readonly inputs: readonly ValueId[];
  readonly contributions: readonly (Value | undefined)[];
}

function contributionsOf(builder: Builder, node: AnyNode, g: Value, active: ReadonlySet<ValueId>): Contributions {
  const custom = builder.customGradient(node.output);
  if (custom !== undefined) {
    return { inputs: custom.inputs.map((input) => input.id), contributions: custom.rule(g) };
  }
  // The table pairs each op with the rule for its attributes; a lookup by a union key cannot express that.
  const vjp = VJPS[node.op] as Vjp<AnyNode["attrs"]>;
  const contributions = vjp({
    inputs: node.inputs.map((id) => builder.value(id)),
    y: builder.value(node.output),
    g,
    attrs: node.attrs,
    needs: node.inputs.map((id) => active.has(id)),
  });
  return { inputs: node.inputs, contributions };
}
