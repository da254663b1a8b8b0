"""The multi-label asymmetric loss in PyTorch, the peer of bench/loss.mjs. Reads one JSON request a line, answers one JSON line.

Requests: {"task": "prepare", "shape": [N, C], "gammaNeg": g, "gammaPos": g, "clip": c, "detach": bool, "threads": N}
(answer {"ready": true, "version": v}); {"task": "step"} runs loss and gradient and answers {"seconds": s, "loss": l}.
"""

import torch

from json_lines import answer_lines, timed


def asymmetric_loss_optimized(x, y, gamma_neg, gamma_pos, clip, detach, epsilon=1e-8):
    """As the official AsymmetricLossOptimized: what can be done in place is."""
    anti = 1 - y
    p = torch.sigmoid(x)
    q = 1.0 - p
    if clip > 0:
        q.add_(clip).clamp_(max=1)
    loss = y * torch.log(p.clamp(min=epsilon))
    loss.add_(anti * torch.log(q.clamp(min=epsilon)))
    if gamma_neg > 0 or gamma_pos > 0:
        with torch.set_grad_enabled(not detach):
            pt_positive = p * y
            pt_negative = q * anti
            weight = torch.pow(1 - pt_positive - pt_negative, gamma_pos * y + gamma_neg * anti)
        loss *= weight
    return -loss.sum()


def prepare(request):
    torch.set_num_threads(request["threads"])
    torch.manual_seed(0)
    shape = request["shape"]
    logits = (torch.rand(shape) * 12 - 8).requires_grad_()
    targets = (torch.rand(shape) < 0.04).float()
    options = [request[name] for name in ("gammaNeg", "gammaPos", "clip", "detach")]

    def step():
        logits.grad = None
        loss = asymmetric_loss_optimized(logits, targets, *options)
        loss.backward()
        return float(loss.detach())

    return step


step = None


def answer(request):
    global step
    if request["task"] == "step":
        seconds, loss = timed(step)
        return {"seconds": seconds, "loss": loss}
    step = prepare(request)
    return {"ready": True, "version": torch.__version__}


answer_lines(answer)
