import {
  type AsymmetricLossOptions,
  asymmetricLoss,
  asymmetricLossOptimized,
  asymmetricLossSingleLabel,
  Builder,
  f32,
  fromBase64,
  type Graph,
  grad,
  i32,
  reduceSum,
  type Tensors,
  type Value,
} from "asl-core";
import type { Fixture } from "./fixture.js";

/** A case of fixtures/loss/losses.json: values and gradients that the official implementation gave in float64. */
export interface OfficialLossCase {
  readonly cls: "AsymmetricLoss" | "AsymmetricLossOptimized" | "ASLSingleLabel";
  readonly cfg: Readonly<Record<string, number | boolean | string>>;
  readonly targets_kind?: string;
  readonly shape: readonly [number, number];
  /** Base64 of float32 [batch, classes]. */
  readonly logits: string;
  /** Multi-label: base64 of float32 [batch, classes]. */
  readonly targets?: string;
  /** Single-label: class of each row. */
  readonly target_index?: readonly number[];
  /** A list for reduction "none". */
  readonly loss_f64: number | readonly number[];
  readonly grad_f64: readonly number[];
}

/**
 * asl-core's native losses against the official float64 values, within the bound that their graphs compose to. The
 * graphs are built from asl-core.
 */
export function officialLosses(cases: readonly OfficialLossCase[]): readonly Fixture[] {
  return cases.map((each, index) => {
    const { graph, feeds } = officialLossGraph(each);
    const losses = [each.loss_f64].flat();
    return {
      name: `official-losses/${index}-${each.cls}`,
      subject: "official-losses",
      kind: "random",
      tier: "bounded",
      graph,
      inputs: feeds,
      expected: {
        loss: f32(Array.isArray(each.loss_f64) ? [losses.length] : [], Float64Array.from(losses)),
        gradient: f32(each.shape, Float64Array.from(each.grad_f64)),
      },
    };
  });
}

/** The loss and its gradient at the case's logits and targets: outputs "loss" and "gradient". */
export function officialLossGraph(each: OfficialLossCase): { readonly graph: Graph; readonly feeds: Tensors } {
  const targetData = each.target_index
    ? i32([each.shape[0]], each.target_index)
    : f32(each.shape, decoded(each.targets));
  const builder = new Builder();
  const logits = builder.input("logits", { dtype: "f32", shape: each.shape });
  const targets = builder.input("targets", targetData.type);
  const loss = LOSSES[each.cls](logits, targets, each.cfg);
  const [gradient] = grad(reduceSum(loss), [logits]);
  return {
    graph: builder.finish({ loss, gradient: gradient! }),
    feeds: { logits: f32(each.shape, decoded(each.logits)), targets: targetData },
  };
}

type LossOf = (logits: Value, targets: Value, cfg: OfficialLossCase["cfg"]) => Value;

const LOSSES: Readonly<Record<OfficialLossCase["cls"], LossOf>> = {
  AsymmetricLoss: (logits, targets, cfg) => asymmetricLoss(logits, targets, optionsOf(cfg)),
  AsymmetricLossOptimized: (logits, targets, cfg) => asymmetricLossOptimized(logits, targets, optionsOf(cfg)),
  ASLSingleLabel: (logits, targets, cfg) =>
    asymmetricLossSingleLabel(logits, targets, {
      gammaPos: Number(cfg.gamma_pos),
      gammaNeg: Number(cfg.gamma_neg),
      labelSmoothing: Number(cfg.eps),
      reduction: cfg.reduction === "none" ? "none" : "mean",
    }),
};

function optionsOf(cfg: OfficialLossCase["cfg"]): AsymmetricLossOptions {
  return {
    gammaNeg: Number(cfg.gamma_neg),
    gammaPos: Number(cfg.gamma_pos),
    clip: Number(cfg.clip),
    epsilon: Number(cfg.eps),
    detachFocusingWeight: Boolean(cfg.disable_torch_grad_focal_loss),
  };
}

const decoded = (base64 = "") => new Float32Array(fromBase64(base64).buffer);
