"""Average precision of columns by scikit-learn: average_precision.py SCORES.npy PACKED_TARGETS.npy 3,17,... -> JSON."""
import json
import sys

import numpy
from sklearn.metrics import average_precision_score

scores = numpy.load(sys.argv[1], mmap_mode="r")
bits = numpy.load(sys.argv[2], mmap_mode="r")
result = []
for column in map(int, sys.argv[3].split(",")):
    values = numpy.asarray(scores[:, column], dtype=numpy.float64)
    targets = (bits[:, column // 8] >> (7 - column % 8)) & 1
    _, inverse, counts = numpy.unique(values, return_inverse=True, return_counts=True)
    result.append({
        "ap": average_precision_score(targets, values),
        "positives": int(targets.sum()),
        # positives whose score another row has too: there scikit-learn takes the tied rows as one threshold
        "ties": int((counts[inverse][targets == 1] > 1).sum()),
    })
print(json.dumps(result))
