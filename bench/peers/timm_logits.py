"""timm's own TResNet on a safetensors file, the peer of bench/checkpoints-out.mjs. One JSON line for one.

Requests: {"variant": NAME, "classes": N, "file": FILE, "images": {"file": raw float32, "shape": [...]}}. Answers:
{"logits": [...], "timm": version, "torch": version}, or {"missing": package of PyPI}.
"""
import json
import sys


def answer(request):
    for module in ("numpy", "torch", "timm", "safetensors"):
        try:
            __import__(module)
        except ImportError:
            return {"missing": module}
    import numpy
    import timm
    import torch
    from safetensors.torch import load_file

    model = timm.create_model(request["variant"], num_classes=request["classes"]).eval()
    # strict: every name of one is a name of the other
    model.load_state_dict(load_file(request["file"]))
    images = request["images"]
    pixels = torch.from_numpy(numpy.fromfile(images["file"], dtype="float32").reshape(images["shape"]))
    with torch.inference_mode():
        logits = model(pixels)
    return {"logits": logits.flatten().tolist(), "timm": timm.__version__, "torch": torch.__version__}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
