"""Loads a safetensors file into PyTorch with Python's struct and json, and runs the network on it.

load_with_pytorch.py WEIGHTS INPUT [PTH]: one JSON object: logits of the tensor "input" of the file INPUT, and whether
the state dict of PTH (torch.load, under "model") has the same names and bits.
The network is written from the paper, for the names of the official implementation and of timm.
"""
import json
import struct
import sys

import torch
import torch.nn.functional as F

DTYPES = {"F32": torch.float32, "F64": torch.float64}


def read(file):
    with open(file, "rb") as opened:
        (length,) = struct.unpack("<Q", opened.read(8))
        header = json.loads(opened.read(length))
        data = bytearray(opened.read())
    header.pop("__metadata__", None)
    return {
        name: torch.frombuffer(
            data, dtype=DTYPES[entry["dtype"]], count=(entry["data_offsets"][1] - entry["data_offsets"][0]) // size_of(entry),
            offset=entry["data_offsets"][0],
        ).reshape(entry["shape"])
        for name, entry in header.items()
    }


def size_of(entry):
    return 8 if entry["dtype"] == "F64" else 4


class Network:
    def __init__(self, state):
        self.state = state
        self.used = set()
        self.timm = "body.conv1.conv.weight" in state

    def get(self, name):
        self.used.add(name)
        return self.state[name]

    def unit(self, x, name, stride=1, slope=None):
        """Convolution, batch norm, leaky ReLU. Official: InPlaceABN's scale |w| + 1e-5; timm: the scale itself."""
        if not self.timm and f"{name}.0.0.weight" in self.state:
            name = f"{name}.0"
        conv, norm = (f"{name}.conv", f"{name}.bn") if self.timm else (f"{name}.0", f"{name}.1")
        kernel = self.get(f"{conv}.weight")
        y = F.conv2d(x, kernel, stride=stride, padding=kernel.shape[2] // 2)
        weight = self.get(f"{norm}.weight")
        scale = weight if self.timm else weight.abs() + 1e-5
        mean, var, bias = (self.get(f"{norm}.{leaf}") for leaf in ("running_mean", "running_var", "bias"))
        y = F.batch_norm(y, mean, var, scale, bias, False, 0.1, 1e-5)
        return y if slope is None else F.leaky_relu(y, slope)

    def squeeze_excite(self, x, name):
        if f"{name}.se.fc1.weight" not in self.state:
            return x
        y = x.mean((2, 3), keepdim=True)
        y = F.relu(F.conv2d(y, self.get(f"{name}.se.fc1.weight"), self.get(f"{name}.se.fc1.bias")))
        return x * torch.sigmoid(F.conv2d(y, self.get(f"{name}.se.fc2.weight"), self.get(f"{name}.se.fc2.bias")))

    def block(self, x, name, stride):
        has = lambda part: any(key.startswith(f"{name}.{part}.") for key in self.state)
        if has("conv3"):
            y = self.unit(x, f"{name}.conv1", slope=1e-3)
            y = blur(self.unit(y, f"{name}.conv2", slope=1e-3), stride)
            y = self.unit(self.squeeze_excite(y, name), f"{name}.conv3")
        else:
            y = blur(self.unit(x, f"{name}.conv1", slope=1e-3), stride)
            y = self.squeeze_excite(self.unit(y, f"{name}.conv2"), name)
        if has("downsample"):
            if stride == 2:
                x = F.avg_pool2d(x, 2, 2, ceil_mode=True, count_include_pad=False)
            x = self.unit(x, f"{name}.downsample.1" if stride == 2 or has("downsample.1") else f"{name}.downsample.0")
        return F.relu(x + y)

    def logits(self, x):
        n, c, h, w = x.shape
        x = x.view(n, c, h // 4, 4, w // 4, 4).permute(0, 3, 5, 1, 2, 4).reshape(n, c * 16, h // 4, w // 4)
        x = self.unit(x, "body.conv1", slope=1e-2)
        for layer in (1, 2, 3, 4):
            blocks = {key.split(".")[2] for key in self.state if key.startswith(f"body.layer{layer}.")}
            for block in range(len(blocks)):
                x = self.block(x, f"body.layer{layer}.{block}", 2 if layer > 1 and block == 0 else 1)
        x = x.mean((2, 3))
        if "head.fc.weight" in self.state:
            return F.linear(x, self.get("head.fc.weight"), self.get("head.fc.bias"))
        x = F.linear(x, self.get("head.fc.embedding_generator.0.weight"), self.get("head.fc.embedding_generator.0.bias"))
        return F.linear(x, self.get("head.fc.FC.weight"), self.get("head.fc.FC.bias"))


def blur(x, stride):
    if stride == 1:
        return x
    row = torch.tensor([1.0, 2.0, 1.0])
    kernel = (torch.outer(row, row) / 16).repeat(x.shape[1], 1, 1, 1)
    return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), kernel, stride=2, groups=x.shape[1])


def main(weights, pictures, pth=None):
    state = read(weights)
    network = Network(state)
    with torch.no_grad():
        logits = network.logits(read(pictures)["input"].float())
    answer = {"logits": logits.flatten().tolist(), "unused": sorted(set(state) - network.used)}
    if pth is not None:
        original = torch.load(pth, map_location="cpu")["model"]
        answer["sameNames"] = set(original) == set(state)
        answer["different"] = [name for name in state if not same_bits(original.get(name), state[name])]
    print(json.dumps(answer))


def same_bits(a, b):
    return a is not None and a.shape == b.shape and a.contiguous().numpy().tobytes() == b.numpy().tobytes()


main(*sys.argv[1:])
