"""Loads exported weights with the real tools and compares features: the optional test of tests/it/weights.rs.

usage: check_export.py STAGE GRID NUMBERS.safetensors WEIGHTS.safetensors WEIGHTS.pth TRUNK.onnx
NUMBERS holds `x` [n, 3, h, w] and the `features` that swav-wgpu computed: the output of STAGE
over a grid of GRID×GRID cells. Needs torch, onnx, onnxruntime,
safetensors and numpy.
"""

import sys

import numpy
import onnx
import onnxruntime
import torch
from safetensors.numpy import load_file as load_numpy
from safetensors.torch import load_file
from torch.nn.functional import adaptive_avg_pool2d, batch_norm, conv2d, max_pool2d, relu


def trunk(w, x, training=False, stages=4, grid=1):
    """A torchvision ResNet from its state dict alone; in training, running estimates move."""

    def unit(x, conv, norm, stride):
        kernel = w[conv + ".weight"]
        x = conv2d(x, kernel, stride=stride, padding=kernel.shape[-1] // 2)
        p = [w[f"{norm}.{name}"] for name in ("running_mean", "running_var", "weight", "bias")]
        return batch_norm(x, *p, training=training, momentum=0.1, eps=1e-5)

    stem = w["conv1.weight"].shape[-1] == 7
    x = relu(unit(x, "conv1", "bn1", 2 if stem else 1))
    x = max_pool2d(x, 3, 2, 1) if stem else x
    for stage in range(1, stages + 1):
        block = 0
        while f"layer{stage}.{block}.conv1.weight" in w:
            name = f"layer{stage}.{block}"
            stride = 2 if stage > 1 and block == 0 else 1
            convs = 3 if f"{name}.conv3.weight" in w else 2
            strided = 2 if convs == 3 else 1
            h = x
            for i in range(1, convs + 1):
                h = unit(h, f"{name}.conv{i}", f"{name}.bn{i}", stride if i == strided else 1)
                h = relu(h) if i < convs else h
            down = f"{name}.downsample"
            short = unit(x, f"{down}.0", f"{down}.1", stride) if f"{down}.0.weight" in w else x
            x = relu(h + short)
            block += 1
    return adaptive_avg_pool2d(x, grid).flatten(1)


def main():
    stage, grid, numbers, plain, pickled, graph = sys.argv[1:]
    read = {"stages": int(stage), "grid": int(grid)}
    numbers = load_numpy(numbers)
    x, want = numbers["x"], numbers["features"]
    onnx.checker.check_model(graph, full_check=True)
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    state = torch.load(pickled, weights_only=True)
    assert all(torch.equal(value, state[name]) for name, value in load_file(plain).items())
    with torch.no_grad():
        found = {
            "PyTorch, .pth": trunk(state, torch.tensor(x), **read).numpy(),
            "PyTorch, .safetensors": trunk(load_file(plain), torch.tensor(x), **read).numpy(),
            "onnxruntime": session.run(["features"], {"pixels": x})[0],
        }
    for name, got in found.items():
        worst = float(numpy.abs(got - want).max())
        print(f"{name}: worst difference {worst:.2e} of {numpy.abs(want).max():.3f}")
        assert got.shape == want.shape and worst < 1e-4, name


if __name__ == "__main__":
    main()
