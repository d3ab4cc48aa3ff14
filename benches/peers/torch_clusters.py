"""Spherical k-means of rows of unit length: the peers of `cargo bench --bench clusters`.

    python torch_clusters.py torch|faiss ROWS DIM CLUSTERS HEADS ITERATIONS

`torch` is `cluster_memory` of the official main_deepclusterv2.py on one process, its sums by `index_add_` in place of a
loop over the clusters; `faiss` is `faiss.Kmeans`. The last line is JSON.
"""

import json
import sys
import time

peer = sys.argv[1]
rows, dim, clusters, heads, iterations = (int(word) for word in sys.argv[2:7])


def with_torch():
    import torch

    torch.manual_seed(1)
    bank = torch.nn.functional.normalize(torch.randn(rows, dim))

    def labels(centroids):
        # In parts: all dot products at once take gigabytes.
        return torch.cat([(part @ centroids.T).max(dim=1)[1] for part in bank.split(1000)])

    def cluster():
        centroids = bank[torch.randperm(rows)[:clusters]].clone()
        for _ in range(iterations):
            found = labels(centroids)
            counts = torch.bincount(found, minlength=clusters)
            sums = torch.zeros(clusters, dim).index_add_(0, found, bank)
            some = counts > 0
            centroids[some] = sums[some] / counts[some].unsqueeze(1)
            centroids = torch.nn.functional.normalize(centroids)
        return labels(centroids)

    return f"PyTorch {torch.__version__}", cluster


def with_faiss():
    import faiss
    import numpy

    random = numpy.random.default_rng(1)
    bank = random.standard_normal((rows, dim), dtype=numpy.float32)
    bank /= numpy.linalg.norm(bank, axis=1, keepdims=True)

    def cluster():
        start = bank[random.permutation(rows)[:clusters]]
        points = {"min_points_per_centroid": 1, "max_points_per_centroid": rows}
        means = faiss.Kmeans(dim, clusters, niter=iterations, spherical=True, **points)
        means.train(bank, init_centroids=start)
        return means.index.search(bank, 1)

    return f"faiss {faiss.__version__}", cluster


name, cluster = {"torch": with_torch, "faiss": with_faiss}[peer]()
start = time.perf_counter()
for _ in range(heads):
    cluster()
print(json.dumps({"peer": name, "seconds": time.perf_counter() - start}))
