"""Pillow and torchvision, the peer of bench/loader.mjs. Reads one JSON request a line, answers one JSON line.

{"files": [...], "size": S} sets the work (answer: versions); {"task": T} does T for every file on one thread and answers
{"seconds": CPU seconds, "sha256": of all bytes} (decode, resize; the random rest has no hash). {"sequential": FOLDER, "size":
[W, H]} writes the pictures of the work there as sequential JPEGs of that size.
"""
import hashlib
import time

import PIL
import torch
import torchvision
from PIL import Image
from torchvision import transforms

from json_lines import answer_lines

torch.set_num_threads(1)


def decode(file):
    return Image.open(file).convert("RGB")


class Work:
    def __init__(self, files, size):
        self.files = files
        self.size = (size, size)
        self.decoded = [decode(file) for file in files]
        self.augment = transforms.Compose([
            transforms.Resize(self.size), transforms.RandomHorizontalFlip(), transforms.RandAugment(2, 9),
            transforms.ToTensor(),
        ])
        self.plain = transforms.Compose([transforms.Resize(self.size), transforms.ToTensor()])

    def __call__(self, task):
        if task == "decode":
            return [decode(file) for file in self.files]
        if task == "resize":
            return [picture.resize(self.size, Image.Resampling.BILINEAR) for picture in self.decoded]
        if task == "decode + resize":
            return [decode(file).resize(self.size, Image.Resampling.BILINEAR) for file in self.files]
        transform = self.augment if task == "loader" else self.plain
        return torch.stack([transform(decode(file)) for file in self.files])


def write_sequential(folder, size):
    for i, picture in enumerate(work.decoded):
        picture.resize(size, Image.Resampling.BICUBIC).save(f"{folder}/{i:03}.jpg", quality=90)


def answer(request):
    global work
    if "sequential" in request:
        write_sequential(request["sequential"], request["size"])
        return {}
    if "files" in request:
        work = Work(request["files"], request["size"])
        return {"version": f"Pillow {PIL.__version__}, torchvision {torchvision.__version__}"}
    begin = time.process_time()
    result = work(request["task"])
    seconds = time.process_time() - begin
    if not request.get("hash"):
        return {"seconds": seconds}
    digest = hashlib.sha256()
    for picture in result:
        digest.update(picture.tobytes())
    return {"seconds": seconds, "sha256": digest.hexdigest()}


answer_lines(answer)
