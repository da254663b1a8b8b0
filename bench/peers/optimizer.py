"""Adam and a moving average in PyTorch, and what memory allows: the peer of bench/optimizer.mjs. Reads one JSON request
a line, answers one JSON line.

Requests: {"task": "prepare", "sizes": [...], "weightDecay": d, "threads": N} (answer {"ready": true, "version": v,
"adam": "fused" | "foreach"}); {"task": "step"}: Adam and the moving average of all tensors; {"task": "stream"}: the same
bytes with hardly any arithmetic (one array read, four read and written in place). Both answer {"seconds": s}.
"""

import torch

from json_lines import answer_lines, timed


def optimizer_of(parameters, weight_decay):
    options = {"lr": 1e-4, "betas": (0.9, 0.999), "weight_decay": weight_decay}
    try:
        optimizer = torch.optim.Adam(parameters, fused=True, **options)
        optimizer.step()
        return optimizer, "fused"
    except (RuntimeError, TypeError):
        return torch.optim.Adam(parameters, foreach=True, **options), "foreach"


def prepare(request):
    torch.set_num_threads(request["threads"])
    torch.manual_seed(0)
    parameters = [torch.nn.Parameter(torch.rand(size)) for size in request["sizes"]]
    for parameter in parameters:
        parameter.grad = torch.rand_like(parameter)
    optimizer, kind = optimizer_of(parameters, request["weightDecay"])
    average = [parameter.detach().clone() for parameter in parameters]
    count = sum(request["sizes"])
    gradient, *state = (torch.rand(count) for _ in range(5))

    def step():
        optimizer.step()
        with torch.no_grad():
            torch._foreach_mul_(average, 0.9997)
            torch._foreach_add_(average, parameters, alpha=1 - 0.9997)

    def stream():
        state[0].add_(gradient)
        for tensor in state[1:]:
            tensor.mul_(0.9997)

    return {"step": step, "stream": stream}, kind


tasks = {}


def answer(request):
    global tasks
    if request["task"] != "prepare":
        return {"seconds": timed(tasks[request["task"]])[0]}
    tasks, kind = prepare(request)
    return {"ready": True, "version": torch.__version__, "adam": kind}


answer_lines(answer)
