#!/usr/bin/env python3
"""Times a SwAV training step in PyTorch: the peer of `cargo bench --bench step -- --peer torch`.

    torch_step.py --config C4b [--steps 5] [--batch 32] [--mode fp32_nhwc] [--threads 2] [--device cpu]

Our own writing of the official step (facebookresearch/swav): multi-crop, ResNet, head, prototypes,
Sinkhorn codes, swapped loss, LARC over SGD. The configurations are those of src/measure/cases.rs.
Prints one line of JSON; `gflop_step` is counted by hooks on the layers. Needs `pip install torch`.
"""
import argparse, json, os, statistics, time

import torch
import torch.nn as nn
import torch.nn.functional as F

SMALL = dict(block="basic", base=16, stem="cifar", bs=128, crops=[(2, 32), (4, 20)], hidden=128, feat=64, K=100)
CONFIGS = {
    "C1": dict(block="basic", layers=[2, 2, 2, 2], base=64, stem="cifar", bs=64, crops=[(2, 32), (4, 20)],
               hidden=512, feat=128, K=300),
    "C2": dict(block="basic", layers=[2, 2, 2, 2], base=64, stem="imagenet", bs=32, crops=[(2, 64), (4, 32)],
               hidden=512, feat=128, K=300),
    "C3": dict(block="bottleneck", layers=[3, 4, 6, 3], base=64, stem="imagenet", bs=8,
               crops=[(2, 224), (6, 96)], hidden=2048, feat=128, K=3000),
    "C4a": dict(SMALL, layers=[1, 1, 1, 1]),
    "C4b": dict(SMALL, layers=[2, 2, 2, 2]),
}
CONFIGS["C5"] = dict(CONFIGS["C3"], bs=64)
CONFIGS["C6"] = dict(CONFIGS["C1"], bs=256)


def conv_bn(i, o, k, s=1):
    return nn.Conv2d(i, o, k, s, k // 2, bias=False), nn.BatchNorm2d(o)


class Block(nn.Module):
    def __init__(self, i, p, s, expansion):
        super().__init__()
        o = p * expansion
        if expansion == 1:
            self.conv1, self.bn1 = conv_bn(i, p, 3, s)
            self.conv2, self.bn2 = conv_bn(p, p, 3)
        else:
            self.conv1, self.bn1 = conv_bn(i, p, 1)
            self.conv2, self.bn2 = conv_bn(p, p, 3, s)
            self.conv3, self.bn3 = conv_bn(p, o, 1)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = nn.Sequential(*conv_bn(i, o, 1, s)) if (s != 1 or i != o) else None

    def forward(self, x):
        around = x if self.downsample is None else self.downsample(x)
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        if hasattr(self, "conv3"):
            y = self.bn3(self.conv3(self.relu(y)))
        y += around
        return self.relu(y)


class Net(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        width, expansion = cfg["base"], 1 if cfg["block"] == "basic" else 4
        cifar = cfg["stem"] == "cifar"
        self.conv1, self.bn1 = conv_bn(3, width, *((3, 1) if cifar else (7, 2)))
        self.pool = nn.Identity() if cifar else nn.MaxPool2d(3, 2, 1)
        self.relu = nn.ReLU(inplace=True)
        blocks, i = [], width
        for stage, count in enumerate(cfg["layers"]):
            p = width << stage
            for j in range(count):
                blocks.append(Block(i, p, 2 if (j == 0 and stage > 0) else 1, expansion))
                i = p * expansion
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Sequential(nn.Linear(i, cfg["hidden"]), nn.BatchNorm1d(cfg["hidden"]),
                                  nn.ReLU(inplace=True), nn.Linear(cfg["hidden"], cfg["feat"]))
        self.prototypes = nn.Linear(cfg["feat"], cfg["K"], bias=False)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def trunk(self, x):
        return self.blocks(self.pool(self.relu(self.bn1(self.conv1(x))))).mean((2, 3))

    def forward(self, groups):
        """groups: one tensor a resolution, the crops of that resolution below each other"""
        z = F.normalize(self.head(torch.cat([self.trunk(g) for g in groups])), dim=1)
        return self.prototypes(z)


def count_flop(net, cfg):
    """2·MAC of every convolution and linear layer, forward and backward (no gradient of the pictures)."""
    total = {"all": 0, "stem": 0}

    def hook(m, inputs, out):
        flop = 2 * out.numel() * (m.weight[0].numel() if isinstance(m, nn.Conv2d) else m.in_features)
        total["all"] += flop * images
        total["stem"] += flop * images if m is net.conv1 else 0

    hooks = [m.register_forward_hook(hook) for m in net.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    net.eval()
    with torch.no_grad():
        for count, side in cfg["crops"]:
            images = count * cfg["bs"]
            net([torch.zeros(1, 3, side, side)])
    net.train()
    for h in hooks:
        h.remove()
    return 3 * total["all"] - total["stem"]


def sinkhorn(scores, eps=0.05, iterations=3):
    Q = torch.exp(scores.float() / eps).t()
    K, B = Q.shape
    Q = Q / Q.sum()
    for _ in range(iterations):
        Q /= Q.sum(1, keepdim=True)
        Q /= K
        Q /= Q.sum(0, keepdim=True)
        Q /= B
    return (Q * B).t()


def swapped_loss(scores, bs, views, temperature=0.1):
    with torch.no_grad():
        codes = [sinkhorn(scores[i * bs:(i + 1) * bs]) for i in range(2)]
    logp = F.log_softmax(scores.float() / temperature, dim=1).view(views, bs, -1)
    loss = 0
    for i, q in enumerate(codes):
        loss = loss - sum((q * logp[v]).sum(1).mean() for v in range(views) if v != i) / (views - 1)
    return loss / 2


def larc(params, trust=0.001, decay=1e-6, eps=1e-8):
    ps = [p for p in params if p.grad is not None]
    gs = [p.grad for p in ps]
    pn, gn = torch.stack(torch._foreach_norm(ps)), torch.stack(torch._foreach_norm(gs))
    ok = (pn != 0) & (gn != 0)
    ratio = torch.where(ok, trust * pn / (gn + pn * decay + eps), torch.ones_like(pn))
    decays = torch.where(ok, torch.full_like(pn, decay), torch.zeros_like(pn))
    torch._foreach_add_(gs, torch._foreach_mul([p.detach() for p in ps], list(decays.unbind())))
    torch._foreach_mul_(gs, list(ratio.unbind()))


def make_step(net, cfg, bf16, device):
    views = sum(n for n, _ in cfg["crops"])
    opt = torch.optim.SGD(net.parameters(), lr=0.6, momentum=0.9, weight_decay=0.0, foreach=True)

    def step(groups):
        with torch.no_grad():
            net.prototypes.weight.copy_(F.normalize(net.prototypes.weight, dim=1))
        groups = [g.to(device, non_blocking=True) for g in groups]
        with torch.autocast(device, dtype=torch.bfloat16, enabled=bf16):
            scores = net(groups)
        loss = swapped_loss(scores, cfg["bs"], views)
        opt.zero_grad(set_to_none=True)
        loss.backward()
        with torch.no_grad():
            larc(list(net.parameters()))
        opt.step()
        if device != "cpu":
            getattr(torch, device).synchronize()
        return float(loss.detach())

    return step


def main():
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    ap = argparse.ArgumentParser()
    ap.add_argument("--config", choices=CONFIGS, required=True)
    ap.add_argument("--steps", type=int, default=5)
    ap.add_argument("--warm", type=int, default=2)
    ap.add_argument("--batch", type=int, help="the configuration's, if not given")
    ap.add_argument("--mode", choices=["fp32_nchw", "fp32_nhwc", "bf16_nhwc"], default="fp32_nhwc")
    ap.add_argument("--threads", type=int, default=cores)
    ap.add_argument("--device", choices=["cpu", "cuda", "mps", "xpu"], default="cpu")
    a = ap.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(0)
    cfg = dict(CONFIGS[a.config])
    cfg["bs"] = a.batch or cfg["bs"]
    net = Net(cfg)
    flop = count_flop(net, cfg)
    layout = torch.channels_last if a.mode.endswith("nhwc") else torch.contiguous_format
    net = net.to(a.device, memory_format=layout)
    groups = [torch.randn(n * cfg["bs"], 3, s, s).contiguous(memory_format=layout) for n, s in cfg["crops"]]
    step = make_step(net, cfg, a.mode.startswith("bf16"), a.device)
    seconds, losses = [], []
    for _ in range(a.warm + a.steps):
        start = time.perf_counter()
        losses.append(step(groups))
        seconds.append(time.perf_counter() - start)
    timed = seconds[a.warm:]
    print(json.dumps(dict(
        peer=f"PyTorch {torch.__version__}", config=a.config, mode=a.mode, device=a.device, threads=a.threads,
        steps=a.steps, s_step=statistics.median(timed), s_min=min(timed), s_max=max(timed),
        first_step_s=seconds[0], gflop_step=flop / 1e9, params=sum(p.numel() for p in net.parameters()),
        loss_first=losses[0], loss_last=losses[-1])), flush=True)


if __name__ == "__main__":
    main()
