"""The k nearest of rows of unit length in a bank by cosine, in PyTorch: the peer of `cargo bench --bench neighbours`.

    python torch_neighbours.py QUERIES BANK DIM K

The last line is JSON.
"""

import json
import sys
import time

import torch

queries, bank, dim, k = (int(word) for word in sys.argv[1:5])
torch.manual_seed(1)
rows = torch.nn.functional.normalize(torch.rand(bank, dim) - 0.5)
asked = torch.nn.functional.normalize(torch.rand(queries, dim) - 0.5)


def search():
    # In parts, as the official eval_knn.py does: all similarities at once take gigabytes.
    return [(part @ rows.T).topk(k) for part in asked.split(1000)]


search()
times = []
for _ in range(3):
    start = time.perf_counter()
    search()
    times.append(time.perf_counter() - start)
print(json.dumps({"peer": f"PyTorch {torch.__version__}", "k": k, "seconds": sorted(times)[1]}))
