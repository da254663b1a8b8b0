"""Runs ONNX files in runtimes of other people, the peer of bench/foreign-runtimes.mjs. One JSON line for one.

Requests: {"runtime": NAME, "file": FILE, "outputs": [NAME, ...], "images": {"dtype": "float32" | "uint8", "shape": [...],
"data": base64}}. Answers: {"version": V, "outputs": {NAME: [...]}, "load": seconds, "run": seconds, the fastest of three};
{"missing": package of PyPI} where the runtime is not there; {"error": message} where it refuses the file.
"""
import base64
import importlib
import json
import sys
import time

PACKAGES = {
    "onnx.checker": ("onnx", "onnx"),
    "onnx reference": ("onnx", "onnx"),
    "OpenVINO": ("openvino", "openvino"),
    "tract": ("tract", "tract"),
    "OpenCV": ("cv2", "opencv-python-headless"),
}


def open_checker(onnx, file, images, outputs):
    onnx.checker.check_model(file, full_check=True)
    return lambda: []


def open_reference(onnx, file, images, outputs):
    from onnx import version_converter
    from onnx.reference import ReferenceEvaluator

    model = onnx.load(file)
    if any(node.op_type == "DequantizeLinear" for node in model.graph.node):
        # it has QuantizeLinear and DequantizeLinear only from opset 19 on; what they mean has not changed
        model = version_converter.convert_version(model, 21)
    evaluator = ReferenceEvaluator(model)
    return lambda: evaluator.run(outputs, {"images": images})


def open_openvino(openvino, file, images, outputs):
    # in float32 whatever the processor has; the integer operators are its own business
    model = openvino.Core().compile_model(file, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def run():
        found = model({"images": images})
        return [found[model.output(name)] for name in outputs]

    return run


def open_tract(tract, file, images, outputs):
    model = tract.onnx().load(file)
    kind = {"float32": "f32", "uint8": "u8"}[str(images.dtype)]
    model.set_input_fact(0, ",".join([*map(str, images.shape), kind]))
    runnable = model.into_model().into_runnable()
    return lambda: [value.to_numpy() for value in runnable.run([images])]


def open_opencv(cv2, file, images, outputs):
    net = cv2.dnn.readNetFromONNX(file)

    def run():
        net.setInput(images, "images")
        return net.forward(outputs)

    return run


OPENERS = {
    "onnx.checker": open_checker,
    "onnx reference": open_reference,
    "OpenVINO": open_openvino,
    "tract": open_tract,
    "OpenCV": open_opencv,
}


def answer(request):
    runtime = request["runtime"]
    module_name, package = PACKAGES[runtime]
    try:
        module, numpy = importlib.import_module(module_name), importlib.import_module("numpy")
    except ImportError:
        return {"missing": package}
    images = request["images"]
    data = numpy.frombuffer(base64.b64decode(images["data"]), dtype=images["dtype"]).reshape(images["shape"])
    outputs = request["outputs"]
    try:
        start = time.perf_counter()
        run = OPENERS[runtime](module, request["file"], data, outputs)
        load = time.perf_counter() - start
        times = []
        for _ in range(3):
            start = time.perf_counter()
            found = run()
            times.append(time.perf_counter() - start)
        named = {name: numpy.asarray(value).astype("float64").ravel().tolist() for name, value in zip(outputs, found)}
    except Exception as error:  # whatever a runtime raises is its answer
        return {"version": version_of(package), "error": f"{type(error).__name__}: {error}".split("\n\n")[0][:300]}
    return {"version": version_of(package), "outputs": named, "load": load, "run": min(times)}


def version_of(package):
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


# what a runtime prints must not come between the answers
answers = sys.stdout
sys.stdout = sys.stderr
for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), file=answers, flush=True)
