"""Makes tests/fixtures/judging.safetensors: what scikit-learn and PyTorch make of fixed features.

Needs numpy, scikit-learn, torch and safetensors. Everything is computed in float64 from float32 inputs.
"""

import pathlib

import numpy
import torch
from safetensors.numpy import save_file
from check_export import trunk
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from sklearn.metrics.cluster import contingency_matrix
from sklearn.neighbors import KNeighborsClassifier

TEMPERATURE = 0.07
CLASSES, DIM, BANK, QUERIES = 6, 29, 431, 97
RATES, EPOCHS, BATCH, MOMENTUM, DECAY = [0.05, 0.5, 2.0], 4, 64, 0.9, 1e-3

random = numpy.random.default_rng(7)
centres = random.normal(size=(CLASSES, DIM)) + 1.0
labels = random.integers(0, CLASSES, BANK + QUERIES).astype(numpy.int32)
features = (centres[labels] + 1.3 * random.normal(size=(BANK + QUERIES, DIM))).astype(numpy.float32)
bank, queries = features[:BANK], features[BANK:]
out = {"bank": bank, "queries": queries, "bank_labels": labels[:BANK], "query_labels": labels[BANK:]}

for k in (1, 20, 200):
    knn = KNeighborsClassifier(k, weights=lambda d: numpy.exp((1 - d) / TEMPERATURE), algorithm="brute", metric="cosine")
    knn.fit(bank.astype(numpy.float64), labels[:BANK])
    distance, rows = knn.kneighbors(queries.astype(numpy.float64))
    out[f"knn{k}/rows"] = rows.astype(numpy.int32)
    out[f"knn{k}/cosine"] = (1 - distance).astype(numpy.float32)
    out[f"knn{k}/guess"] = knn.predict(queries.astype(numpy.float64)).astype(numpy.int32)

start = (0.01 * random.normal(size=(CLASSES, DIM))).astype(numpy.float32)
out["linear/start"] = start
x, y = torch.tensor(bank, dtype=torch.float64), torch.tensor(labels[:BANK], dtype=torch.long)
for i, rate in enumerate(RATES):
    layer = torch.nn.Linear(DIM, CLASSES, dtype=torch.float64)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(start))
        layer.bias.zero_()
    sgd = torch.optim.SGD(layer.parameters(), rate, momentum=MOMENTUM, weight_decay=DECAY)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(sgd, EPOCHS)
    for _ in range(EPOCHS):
        for first in range(0, BANK, BATCH):
            sgd.zero_grad()
            torch.nn.functional.cross_entropy(layer(x[first : first + BATCH]), y[first : first + BATCH]).backward()
            sgd.step()
        cosine.step()
    with torch.no_grad():
        weights = torch.cat([layer.weight, layer.bias[:, None]], 1)
        guesses = layer(torch.tensor(queries, dtype=torch.float64)).argmax(1)
    out[f"linear/{i}/weights"] = weights.numpy().astype(numpy.float32)
    out[f"linear/{i}/guess"] = guesses.numpy().astype(numpy.int32)

# Three steps of fine-tuning the trunk of a golden checkpoint on one batch, with rates of its own for the classifier.
golden = pathlib.Path(__file__).parent.parent / "tests/golden/10_swav_released_zip.pth.tar"
state = {name.removeprefix("module."): value.double() for name, value in torch.load(golden, weights_only=True).items()}
state = {name: value for name, value in state.items() if not name.startswith(("projection_head", "prototypes"))}
x = random.normal(size=(6, 3, 20, 20)).astype(numpy.float32)
y = torch.tensor([0, 1, 2, 0, 1, 1])
trained = [value.requires_grad_() for name, value in state.items() if not name.endswith(("mean", "var", "tracked"))]
width = trunk(state, torch.tensor(x, dtype=torch.float64)).shape[1]
head = torch.nn.Linear(width, 3, dtype=torch.float64)
with torch.no_grad():
    head.weight.copy_(torch.tensor((0.1 * random.normal(size=(3, width))).astype(numpy.float32)))
    head.bias.copy_(torch.tensor(numpy.array([0.1, -0.2, 0.05], dtype=numpy.float32)))
out |= {"finetune/x": x, "finetune/labels": y.numpy().astype(numpy.int32)}
out |= {f"finetune/start/classifier.{name}": p.detach().numpy().astype(numpy.float32) for name, p in head.named_parameters()}
sgd = torch.optim.SGD([{"params": trained, "lr": 0.02}, {"params": head.parameters(), "lr": 0.5}], momentum=0.9)
for factor in (1.0, 1.0, 0.2):
    for group, rate in zip(sgd.param_groups, (0.02, 0.5)):
        group["lr"] = rate * factor
    sgd.zero_grad()
    torch.nn.functional.cross_entropy(head(trunk(state, torch.tensor(x, dtype=torch.float64), True)), y).backward()
    sgd.step()
with torch.no_grad():
    out["finetune/logits"] = head(trunk(state, torch.tensor(x, dtype=torch.float64))).numpy().astype(numpy.float32)
state |= {f"classifier.{name}": p for name, p in head.named_parameters()}
for name in ("conv1.weight", "bn1.running_var", "layer2.0.bn1.weight", "classifier.weight", "classifier.bias"):
    out[f"finetune/end/{name}"] = state[name].detach().numpy().astype(numpy.float32)

found = numpy.where(random.random(BANK) < 0.6, labels[:BANK] * 2, random.integers(0, 15, BANK)).astype(numpy.int32)
out["clusters/found"] = found
table = contingency_matrix(labels[:BANK], found)
figures = [
    normalized_mutual_info_score(labels[:BANK], found),
    adjusted_rand_score(labels[:BANK], found),
    table.max(0).sum() / BANK,
]
out["clusters/nmi_ari_purity"] = numpy.array(figures, dtype=numpy.float32)
path = pathlib.Path(__file__).parent.parent / "tests/fixtures/judging.safetensors"
save_file(out, path)
print(path, path.stat().st_size, figures)
