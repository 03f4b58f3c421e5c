#!/usr/bin/env python3
"""Ten full-batch steps of PyTorch's optimizers from the exported weights of the networks beside this file, in double precision.

    python training.py      (pip: torch numpy)

Writes training.json: for each network and optimizer the loss at the start and after every step, and, where batch norm keeps
statistics, these after the last step. Losses are those of evaluation: batch norm with its running statistics."""
import json, os
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F

HERE = os.path.dirname(os.path.abspath(__file__))

def stored(name):
    """Parameters and buffers of an exported network, and its batch."""
    program = torch.export.load(os.path.join(HERE, name + ".pt2"))
    arrays = np.load(os.path.join(HERE, name + ".npz"))
    batch = [torch.from_numpy(arrays[k]) for k in arrays.files]
    return program, [b.double() if b.is_floating_point() else b for b in batch]

def exported(name):
    """The exported module itself, and its batch."""
    program, batch = stored(name)
    module = program.module().double()
    return lambda train: module(*batch), [p for _, p in module.named_parameters()], lambda: []

def multilabel():
    """The module that multilabel.pt2 was exported from, in training mode, without its dropout."""
    program, (x, y) = stored("multilabel")
    net = nn.Sequential(nn.Linear(4, 8), nn.LeakyReLU(), nn.Identity(), nn.BatchNorm1d(8), nn.Linear(8, 3)).double()
    net.load_state_dict({k.removeprefix("model."): v for k, v in program.state_dict.items()})
    weight = torch.tensor([1., 2., 3.], dtype=torch.float64)
    def loss(train):
        net.train(train)
        return F.binary_cross_entropy_with_logits(net(x), y, pos_weight=weight)
    return loss, list(net.parameters()), lambda: [net[3].running_mean.tolist(), net[3].running_var.tolist()]

OPTIMIZERS = {
    "sgd:momentum=0.9": (0.1, lambda p, lr: torch.optim.SGD(p, lr=lr, momentum=0.9)),
    "sgd:momentum=0.9,nesterov=true,weight-decay=0.01": (0.1, lambda p, lr: torch.optim.SGD(p, lr=lr, momentum=0.9, nesterov=True, weight_decay=0.01)),
    "adam": (0.01, lambda p, lr: torch.optim.Adam(p, lr=lr)),
}

def steps(make, build, lr):
    loss, parameters, statistics = make()
    optimizer = build(parameters, lr)
    losses = [loss(False).item()]
    for _ in range(10):
        optimizer.zero_grad(); loss(True).backward(); optimizer.step()
        with torch.no_grad(): losses.append(loss(False).item())
    return {"losses": losses, "statistics": sum(statistics(), [])}

networks = {name: (lambda name=name: exported(name)) for name in ["mlp", "tabular", "gcn", "encoder", "clip"]}
networks["multilabel"] = multilabel
found = {name: {text: {"lr": lr, **steps(make, build, lr)} for text, (lr, build) in OPTIMIZERS.items()} for name, make in networks.items()}
json.dump({"torch": torch.__version__, **found}, open(os.path.join(HERE, "training.json"), "w"), indent=1)
