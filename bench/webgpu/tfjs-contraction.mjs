import * as tf from "@tensorflow/tfjs-core";

/**
 * A graph of one convolution, or of one gradient of one, as TensorFlow.js's own kernel. The arrays are taken as they lie,
 * for values do not change what a kernel costs: the result has the right size and no meaning.
 */
export function tfjsContraction({ nodes, inputs, types }) {
  const [{ op, attrs, inputs: operands, output }] = nodes;
  const nameOf = (id) => Object.keys(inputs).find((name) => inputs[name] === id);
  const shapeOf = (id) => types[id].shape;
  const image = ([n, c, h, w]) => [n, h, w, c];
  const kernel = ([o, c, h, w]) => [h, w, c, o];
  const common = { strides: attrs.strides, pad: attrs.padding[0][0], dataFormat: "NHWC", dimRoundingMode: "floor" };
  const [name, roles, own] = {
    conv2d: ["Conv2D", { x: image, filter: kernel }, { dilations: [1, 1] }],
    conv2dInputGrad: ["Conv2DBackpropInput", { dy: image, filter: kernel }, { inputShape: image(shapeOf(output)) }],
    conv2dKernelGrad: ["Conv2DBackpropFilter", { x: image, dy: image }, { filterShape: kernel(shapeOf(output)) }],
  }[op];
  return {
    apply(feeds) {
      const tensors = Object.entries(roles).map(([role, layout], i) => {
        const id = operands[i];
        return [role, tf.tensor(feeds[nameOf(id)].data, layout(shapeOf(id)))];
      });
      return tf.engine().runKernel(name, Object.fromEntries(tensors), { ...common, ...own });
    },
    dispose: () => {},
  };
}
