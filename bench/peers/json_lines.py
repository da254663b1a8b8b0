"""How a peer talks with a benchmark: one JSON request a line comes in, one JSON answer a line goes out."""
import json
import sys
import time


def answer_lines(answer):
    """Answers each request by the dict that `answer` makes of it."""
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


def timed(work):
    """Wall-clock seconds of one call, and what it returned."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result
