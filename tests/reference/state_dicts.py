"""Weights as torch.save leaves them, for tests/files/state_dicts.rs: python state_dicts.py (PyTorch 2.x).

Number i of the tensor called NAME is sin(i + 1) + the length of NAME, in single precision; the tests know that.
"""
import collections
import torch


def numbers(name, *shape):
    size = 1
    for n in shape:
        size *= n
    return (torch.sin(torch.arange(1, size + 1, dtype=torch.float64)) + len(name)).to(torch.float32).reshape(shape)


def filled(net):
    with torch.no_grad():
        for name, p in net.named_parameters():
            p.copy_(numbers(name, *p.shape))
    return net


def net():
    return filled(torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 2)))


torch.save(net().state_dict(), "plain.pt")

# A checkpoint as training scripts write it, of a wrapped network.
wrapped = torch.nn.Module()
wrapped.module = net()
optimizer = torch.optim.Adam(wrapped.parameters(), lr=1e-3)
loss = sum((p**2).sum() for p in wrapped.parameters())
loss.backward()
filled_again = {k: v.clone() for k, v in wrapped.state_dict().items()}
optimizer.step()
torch.save(
    {"epoch": 3, "best": 0.5, "state_dict": filled_again, "optimizer": optimizer.state_dict(), "lr": [0.1, None, True]},
    "checkpoint.pth",
)

# Half precisions, views, parameters outside a module, one storage under two names.
base = numbers("base", 4, 6)
torch.save(
    collections.OrderedDict(
        half=numbers("half", 5).half(),
        brain=numbers("brain", 5).bfloat16(),
        double=numbers("double", 2, 2).double(),
        turned=base.t(),
        part=base[1:3, 2:5],
        tied=base,
        lone=torch.nn.Parameter(numbers("lone", 3)),
        scalar=numbers("scalar"),
        count=torch.tensor(7),
        mask=torch.tensor([True, False]),
    ),
    "views.pt",
)
torch.save(numbers("wide", 1).expand(1000), "expanded.pt")
torch.save(net(), "module.pt")
torch.save(net().state_dict(), "old.pt", _use_new_zipfile_serialization=False)

# A compiled network in a checkpoint; number i of each of its tensors is sin(i + 1).
compiled = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2))
state = {"_orig_mod." + k: numbers("", *v.shape) for k, v in compiled.state_dict().items()}
torch.save({"model": state, "step": 12}, "tanh.pth")
