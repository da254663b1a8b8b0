"""TResNet in PyTorch, the peer of bench/tresnet.mjs. Reads one JSON request a line, answers one JSON line.

Requests: {"task": "train" | "infer", "config": {"blocks": [...], "planes": N, "classes": N}, "batch": N, "size": N,
"threads": N, "mode": "eager" | "optimized"} prepare a network, {"task": "sgemm", "size": N, ...} a product of two matrices
(answer {"ready": true, "version": ..., "optimizer": ...}); {"task": "step"} runs one step and answers {"seconds": s};
{"task": "memory"} answers {"bytes": most memory of this process so far}.
"""
import copy
import resource

import torch
import torch.nn.functional as F
from torch import nn

from json_lines import answer_lines, timed


class ActivatedBatchNorm(nn.Module):
    def __init__(self, channels, slope=None, zero=False):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(channels) if zero else torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))
        self.slope = slope

    def forward(self, x):
        y = F.batch_norm(x, self.running_mean, self.running_var, self.weight.abs() + 1e-5, self.bias, self.training, 0.1, 1e-5)
        return y if self.slope is None else F.leaky_relu(y, self.slope, inplace=True)


def conv_abn(inputs, outputs, kernel, slope=None, zero=False):
    conv = nn.Conv2d(inputs, outputs, kernel, padding=(kernel - 1) // 2, bias=False)
    nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="leaky_relu")
    return nn.Sequential(conv, ActivatedBatchNorm(outputs, slope, zero))


class BlurPool(nn.Module):
    def __init__(self, channels):
        super().__init__()
        row = torch.tensor([1.0, 2.0, 1.0])
        self.register_buffer("kernel", (torch.outer(row, row) / 16).repeat(channels, 1, 1, 1))

    def forward(self, x):
        return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), self.kernel, stride=2, groups=x.shape[1])


class SqueezeExcite(nn.Module):
    def __init__(self, channels, reduced):
        super().__init__()
        self.fc1 = nn.Conv2d(channels, reduced, 1)
        self.fc2 = nn.Conv2d(reduced, channels, 1)

    def forward(self, x):
        return x * torch.sigmoid(self.fc2(F.relu(self.fc1(x.mean((2, 3), keepdim=True)), inplace=True)))


class Block(nn.Module):
    def __init__(self, body, inputs, outputs, stride):
        super().__init__()
        self.body = body
        pool = [nn.AvgPool2d(2, 2, ceil_mode=True, count_include_pad=False)] if stride == 2 else []
        changed = stride == 2 or inputs != outputs
        self.downsample = nn.Sequential(*pool, conv_abn(inputs, outputs, 1)) if changed else nn.Identity()

    def forward(self, x):
        return F.relu(self.body(x) + self.downsample(x), inplace=True)


def basic(inputs, planes, stride, se):
    body = [conv_abn(inputs, planes, 3, 1e-3)] + ([BlurPool(planes)] if stride == 2 else [])
    body += [conv_abn(planes, planes, 3, zero=True)]
    body += [SqueezeExcite(planes, max(planes // 4, 64))] if se else []
    return Block(nn.Sequential(*body), inputs, planes, stride), planes


def bottleneck(inputs, planes, stride, se):
    body = [conv_abn(inputs, planes, 1, 1e-3), conv_abn(planes, planes, 3, 1e-3)]
    body += [BlurPool(planes)] if stride == 2 else []
    body += [SqueezeExcite(planes, max(planes // 2, 64))] if se else []
    body += [conv_abn(planes, planes * 4, 1, zero=True)]
    return Block(nn.Sequential(*body), inputs, planes * 4, stride), planes * 4


class TResNet(nn.Module):
    def __init__(self, blocks, planes, classes):
        super().__init__()
        self.stem = conv_abn(48, planes, 3, 1e-2)
        layers, channels = [], planes
        for stage, count in enumerate(blocks):
            for i in range(count):
                make = basic if stage < 2 else bottleneck
                block, channels = make(channels, planes * 2**stage, 2 if stage > 0 and i == 0 else 1, stage < 3)
                layers.append(block)
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(channels, classes)

    def forward(self, x):
        n, c, h, w = x.shape
        x = x.view(n, c, h // 4, 4, w // 4, 4).permute(0, 3, 5, 1, 2, 4).reshape(n, c * 16, h // 4, w // 4)
        return self.head(self.body(self.stem(x)).mean((2, 3)))


def asymmetric_loss(x, y, gamma_neg=4, gamma_pos=0, clip=0.05):
    """As the official AsymmetricLossOptimized with the focusing weight outside the gradient."""
    p = torch.sigmoid(x)
    q = (1 - p + clip).clamp(max=1)
    loss = y * torch.log(p.clamp(min=1e-8)) + (1 - y) * torch.log(q.clamp(min=1e-8))
    with torch.no_grad():
        weight = torch.pow(1 - p * y - q * (1 - y), gamma_pos * y + gamma_neg * (1 - y))
    return -(loss * weight).sum()


def optimized(model, images):
    """What this PyTorch has to make inference faster: torch.compile with frozen weights, or a frozen trace."""
    if hasattr(torch, "compile"):
        import torch._inductor.config as inductor

        inductor.freezing = True
        return torch.compile(model)
    return torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(model, images)))


def infer_step(request):
    config = request["config"]
    model = TResNet(config["blocks"], config["planes"], config["classes"]).eval()
    images = torch.rand(request["batch"], 3, request["size"], request["size"])
    if request["mode"] == "optimized":
        with torch.no_grad():
            model = optimized(model, images)

    def infer():
        with torch.no_grad() if request["mode"] == "optimized" else torch.inference_mode():
            return float(model(images).sum())

    return infer


def train_step(request):
    config = request["config"]
    model = TResNet(config["blocks"], config["planes"], config["classes"])
    images = torch.rand(request["batch"], 3, request["size"], request["size"])
    targets = (torch.rand(request["batch"], config["classes"]) < 0.1).float()
    decayed = [p for p in model.parameters() if p.dim() > 1]
    plain = [p for p in model.parameters() if p.dim() <= 1]
    groups = [{"params": decayed, "weight_decay": 1e-4}, {"params": plain, "weight_decay": 0.0}]
    optimizer = torch.optim.Adam(groups, lr=1e-4)
    average = copy.deepcopy(model.state_dict())
    model.train()

    def train():
        optimizer.zero_grad(set_to_none=True)
        loss = asymmetric_loss(model(images), targets)
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            for name, value in model.state_dict().items():
                average[name].mul_(0.9997).add_(value, alpha=1 - 0.9997)
        return float(loss.detach())

    return train


def sgemm_step(request):
    a, b = (torch.rand(request["size"], request["size"]) for _ in range(2))
    return lambda: float((a @ b)[0, 0])


STEPS = {"train": train_step, "infer": infer_step, "sgemm": sgemm_step}


def prepare(request):
    torch.set_num_threads(request["threads"])
    torch.manual_seed(0)
    return STEPS[request["task"]](request)


step = None


def answer(request):
    global step
    if request["task"] == "step":
        return {"seconds": timed(step)[0]}
    if request["task"] == "memory":
        return {"bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}
    step = prepare(request)
    optimizer = "torch.compile" if hasattr(torch, "compile") else "torch.jit"
    return {"ready": True, "version": torch.__version__, "optimizer": optimizer}


answer_lines(answer)
