import {
  asymmetricLoss,
  Builder,
  createRandom,
  grad,
  initialize,
  type Model,
  parametersOf,
  sizeOf,
  type TensorData,
  type Tensors,
  tresnet,
  type Value,
} from "asl-core";
import { describe, expect, it } from "vitest";
import { evaluate } from "../src/evaluate.js";
import { f64 } from "./apply.js";
import { RELATIVE_ERROR, uniform } from "./finite-differences.js";

const BATCH = 4;
const SIZE = 32;
const CLASSES = 5;
/**
 * Smaller than for single ops: between x - STEP and x + STEP no ReLU of the network may cross its corner, and with
 * thousands of them the chance grows with the step.
 */
const STEP = 2 ** -20;
/** Of the loss's own size, a few units of 2^-53 of rounding over STEP. */
const ROUNDINGS = 16;

const images = uniform([BATCH, 3, SIZE, SIZE], 1, 0, 1);
const targets = f64(
  [BATCH, CLASSES],
  Array.from({ length: BATCH * CLASSES }, (_, i) => (i % 3 === 0 ? 1 : 0)),
);

interface Network {
  loss(state: Tensors): number;
  gradients(state: Tensors): Tensors;
}

/** Loss of a training-mode forward pass as a function of the state, and its gradients. */
function networkOf(model: Model): Network {
  const graph = (differentiate: boolean) => {
    const b = new Builder();
    const values = Object.fromEntries(
      Object.entries(model.state).map(([name, { type }]) => [name, b.input(name, type)]),
    );
    const { logits } = model.apply(b.constant(images), values, "train");
    const loss = asymmetricLoss(logits, b.constant(targets), { detachFocusingWeight: false });
    if (!differentiate) return b.finish({ loss });
    const names = Object.keys(parametersOf(model));
    const gradients = grad(
      loss,
      names.map((name) => values[name]!),
    );
    return b.finish(Object.fromEntries(names.map((name, i): [string, Value] => [name, gradients[i]!])));
  };
  const [forward, backward] = [graph(false), graph(true)];
  return {
    loss: (state) => evaluate(forward, state, { precision: "f64" }).loss!.data[0]!,
    gradients: (state) => evaluate(backward, state, { precision: "f64" }),
  };
}

/** `state` with one element moved by `by`. */
function moved(state: Tensors, name: string, element: number, by: number): Tensors {
  const { type, data } = state[name]!;
  const copy = Float64Array.from(data);
  copy[element] = copy[element]! + by;
  return { ...state, [name]: { type, data: copy } };
}

/** Every parameter away from the corners that the initial state stands on: |w| of a batch norm is not 0. */
function generic(model: Model): Tensors {
  const initial = initialize(model.state, 1);
  return Object.fromEntries(
    Object.entries(initial).map(([name, tensor], i): [string, TensorData] => {
      const random = createRandom(i);
      const norm = /\.1\.(weight|bias)$/.test(name);
      const data = Float64Array.from(tensor.data, (value) => (norm ? value + 0.3 + 0.4 * random.uniform() : value));
      return [name, { type: tensor.type, data }];
    }),
  );
}

describe.each([
  [
    "two BasicBlock and two Bottleneck stages",
    tresnet({ blocks: [1, 2, 1, 1], planes: 4, basicStages: 2, classes: CLASSES }),
  ],
  [
    "Bottlenecks only, bottleneck head",
    tresnet({ blocks: [1, 1, 2, 1], planes: 4, basicStages: 0, classes: CLASSES, headFeatures: 3 }),
  ],
])("the gradient of a whole TResNet, %s", (_title, model) => {
  const network = networkOf(model);
  const state = generic(model);
  const gradients = network.gradients(state);
  const allowance = (ROUNDINGS * 2 ** -53 * Math.abs(network.loss(state))) / STEP;

  it.each(Object.keys(parametersOf(model)))("%s is the difference quotient", (name) => {
    const { data } = gradients[name]!;
    expect(data.some((value) => value !== 0)).toBe(true);
    const element = Math.floor(createRandom(name).uniform() * data.length);
    const numeric =
      (network.loss(moved(state, name, element, STEP)) - network.loss(moved(state, name, element, -STEP))) / (2 * STEP);
    const symbolic = data[element]!;
    expect(Math.abs(symbolic - numeric)).toBeLessThanOrEqual(RELATIVE_ERROR * Math.abs(numeric) + allowance);
  });
});

describe("a block that starts as its shortcut", () => {
  const model = tresnet({ blocks: [1, 1, 1, 1], planes: 4, basicStages: 2, classes: CLASSES });
  const network = networkOf(model);
  const state = initialize(model.state, 1);
  const zero = Object.keys(parametersOf(model)).filter(
    (name) => name.endsWith(".1.weight") && state[name]!.data.every((value) => value === 0),
  );

  it("has a batch norm weight of 0 in each block", () => {
    expect(zero).toHaveLength(4);
  });

  it.each(zero)("%s learns from there: its gradient is the slope to the right of |w| at 0", (name) => {
    const { data } = network.gradients(state)[name]!;
    expect(data).toHaveLength(sizeOf(model.state[name]!.type.shape));
    const lossAt = (w: number) => network.loss(moved(state, name, 0, w));
    // One-sided, of second order: (-3 f(0) + 4 f(h) - f(2h)) / (2h)
    const numeric = (-3 * lossAt(0) + 4 * lossAt(STEP) - lossAt(2 * STEP)) / (2 * STEP);
    const allowance = (ROUNDINGS * 2 ** -53 * Math.abs(lossAt(0))) / STEP;
    expect(data[0]).not.toBe(0);
    expect(Math.abs(data[0]! - numeric)).toBeLessThanOrEqual(RELATIVE_ERROR * Math.abs(numeric) + allowance);
  });
});
