"""Writes the tensors of a safetensors file (float32) as torch.save does: write-pth.py FROM TO"""

import json
import sys

import numpy
import torch

source, target = sys.argv[1:]
with open(source, "rb") as file:
    length = int.from_bytes(file.read(8), "little")
    header = json.loads(file.read(length))
    content = file.read()
tensors = {}
for name, entry in header.items():
    if name == "__metadata__":
        continue
    start, end = entry["data_offsets"]
    values = numpy.frombuffer(content[start:end], dtype="<f4").reshape(entry["shape"])
    tensors[name] = torch.from_numpy(values.copy())
torch.save({"state_dict": tensors}, target)
