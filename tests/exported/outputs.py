#!/usr/bin/env python3
"""Networks that end in outputs, or return more than their loss.

    python outputs.py      (pip: torch numpy)

logits.pt2: the network of mlp.pt2, without its loss. tokens.pt2: logits of several positions a sample, of which -100 in
tokens.npz does not count. metrics.pt2: a loss and further scalars of the batch. binary.pt2: the loss of one logit, and a further scalar by an operator that is not known. outputs.json: their numbers in double
precision."""
import json, os, zipfile
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F

HERE = os.path.dirname(os.path.abspath(__file__))

def strip(path):
    """Drops the source locations that torch.export writes: they name the machine's folders and are no part of the network."""
    def clean(x):
        if isinstance(x, dict):
            if isinstance(x.get("metadata"), dict): x["metadata"] = {k: v for k, v in x["metadata"].items() if k == "nn_module_stack"}
            for v in x.values(): clean(v)
        elif isinstance(x, list):
            for v in x: clean(v)
    with zipfile.ZipFile(path) as z: files = [(i, z.read(i)) for i in z.infolist() if "sample_inputs" not in i.filename]
    with zipfile.ZipFile(path, "w") as z:
        for i, b in files:
            if i.filename.endswith("models/model.json"): j = json.loads(b); clean(j); b = json.dumps(j).encode()
            z.writestr(i, b)

def write(name, module, batch):
    path = os.path.join(HERE, name + ".pt2"); b = torch.export.Dim("batch")
    torch.export.save(torch.export.export(module, batch, dynamic_shapes=tuple({0: b} for _ in batch)), path); strip(path)

def wrapped(net):
    class Model(nn.Module):
        def __init__(self): super().__init__(); self.model = net
        def forward(self, x): return self.model(x)
    return Model()

class Metrics(nn.Module):
    def __init__(self, net): super().__init__(); self.model = net
    def forward(self, x, y):
        z = self.model(x)
        return {"loss": F.cross_entropy(z, y), "margin": (z.amax(1) - z.amin(1)).mean(), "size": (z ** 2).mean()}

class Binary(nn.Module):
    def __init__(self, net): super().__init__(); self.model = net
    def forward(self, x, y):
        z = self.model(x)[:, 0]
        return {"loss": F.binary_cross_entropy_with_logits(z, y), "bessel": torch.special.i0(z).mean(), "size": (z ** 2).mean()}

torch.manual_seed(0)
arrays = np.load(os.path.join(HERE, "mlp.npz")); x, y = (torch.from_numpy(arrays[k]) for k in "xy")
net = nn.Sequential(nn.Linear(6, 12), nn.Tanh(), nn.Linear(12, 12), nn.ReLU(), nn.Linear(12, 3))
net.load_state_dict({k.removeprefix("model."): v for k, v in torch.export.load(os.path.join(HERE, "mlp.pt2")).state_dict.items()})
write("logits", wrapped(net), (x,))
write("metrics", Metrics(net), (x, y))
table = nn.Sequential(nn.Embedding(7, 4), nn.Tanh(), nn.Linear(4, 7))
tokens, targets = torch.randint(0, 7, (6, 5)), torch.randint(0, 7, (6, 5)); targets[torch.rand(6, 5) < 0.3] = -100
write("tokens", wrapped(table), (tokens,)); np.savez(os.path.join(HERE, "tokens.npz"), x=tokens.numpy(), y=targets.numpy())
net, table = net.double(), table.double(); x = x.double()
with torch.no_grad():
    z, t, kept = net(x), table(tokens), targets != -100
    one_hot = F.one_hot(y, 3).double()
    found = {
        "cross-entropy": F.cross_entropy(z, y).item(), "cross-entropy:smoothing=0.1": F.cross_entropy(z, y, label_smoothing=.1).item(),
        "accuracy": (z.argmax(1) == y).double().mean().item(),
        "mean-squared-error": F.mse_loss(z, one_hot).item(), "squared-error": .5 * F.mse_loss(z, one_hot, reduction="sum").item() / len(z),
        "logistic": F.binary_cross_entropy_with_logits(z, one_hot, reduction="sum").item() / len(z),
        "margin": (z.amax(1) - z.amin(1)).mean().item(), "size": (z ** 2).mean().item(),
        "tokens": F.cross_entropy(t.flatten(0, 1), targets.flatten()).item(), "tokens accuracy": (t.argmax(2) == targets)[kept].double().mean().item()}
torch.manual_seed(1)
small = nn.Sequential(nn.Linear(6, 3), nn.Tanh(), nn.Linear(3, 1)); answers = (torch.rand(len(y)) < 0.4).float()
write("binary", Binary(small), (torch.from_numpy(arrays["x"]), answers))
np.savez(os.path.join(HERE, "binary.npz"), x=arrays["x"], y=answers.numpy())
with torch.no_grad():
    small, answers = small.double(), answers.double(); z = small(x)[:, 0]
    found = {**found, "binary": F.binary_cross_entropy_with_logits(z, answers).item(), "binary accuracy": ((z > 0) == (answers > 0.5)).double().mean().item(), "binary size": (z ** 2).mean().item()}
json.dump({"torch": torch.__version__, **found}, open(os.path.join(HERE, "outputs.json"), "w"), indent=1)
np.savez(os.path.join(HERE, "values.npz"), x=arrays["x"], y=one_hot.numpy())
