# Networks as both of PyTorch's exporters to ONNX write them, and what PyTorch computes of them in double precision at the
# same weights: loss, |g|, and g.v, v.Hv, |Hv| along v_i = sin(i + 1) over all parameters in the order of the file.
# torch 2.15, onnx 1.23, onnxscript 0.7. Notes of the exporter that name its folders are taken out.
import json, warnings
import numpy as np, onnx, torch, torch.nn as nn, torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

warnings.filterwarnings("ignore")
torch.manual_seed(1)
KIND = "pkg.torch.export.graph_signature.InputSpec.kind"


class Loss(nn.Module):
    def __init__(self, net, f):
        super().__init__()
        self.net, self.f = net, f

    def forward(self, x, y):
        return self.f(self.net(x), y)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.e = nn.Embedding(11, 8)
        self.p = nn.Parameter(torch.randn(6, 8) * 0.1)
        self.l = nn.TransformerEncoderLayer(8, 2, 16, 0.0, activation="gelu", batch_first=True, norm_first=True)
        self.o = nn.Linear(8, 11)

    def forward(self, t):
        return self.o(self.l(self.e(t) + self.p[: t.shape[1]])).transpose(1, 2)


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.r = nn.LSTM(3, 4, batch_first=True, bidirectional=True)
        self.g = nn.GRU(8, 3, batch_first=True)
        self.o = nn.Linear(3, 2)

    def forward(self, x):
        return self.o(self.g(self.r(x)[0])[0][:, -1])


mlp = nn.Sequential(nn.Linear(5, 6), nn.Tanh(), nn.LayerNorm(6), nn.Linear(6, 3))
conv = nn.Sequential(
    nn.Conv2d(2, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(4, 4, 3, stride=2, padding=1), nn.GroupNorm(2, 4), nn.SiLU(), nn.AvgPool2d(2),
    nn.Flatten(), nn.Linear(4, 1), nn.Flatten(0))
for _ in range(20):
    conv(torch.randn(32, 2, 8, 8) + 0.3)
n = 12
networks = {  # by the newer exporter, or by the older one
    "mlp": (Loss(mlp, F.cross_entropy), torch.randn(n, 5), torch.randint(0, 3, (n,)), True),
    "conv": (Loss(conv, F.binary_cross_entropy_with_logits), torch.randn(n, 2, 8, 8), torch.randint(0, 2, (n,)).float(), False),
    "encoder": (Loss(Encoder(), F.cross_entropy), torch.randint(0, 11, (n, 6)), torch.randint(0, 11, (n, 6)), True),
    "recurrent": (Loss(Recurrent(), F.mse_loss), torch.randn(n, 5, 3), torch.randn(n, 2), False),
}


def cast(t, dtype):
    return t.to(dtype) if t.is_floating_point() else t


def stripped(path):
    model = onnx.load(path)
    model.graph.doc_string = ""
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    for value in [*model.graph.value_info, *model.graph.input, *model.graph.output]:
        kept = [(p.key, p.value) for p in value.metadata_props if p.key == KIND]
        del value.metadata_props[:]
        for key, text in kept:
            value.metadata_props.add(key=key, value=text)
    del model.graph.metadata_props[:], model.metadata_props[:]
    onnx.save(model, path)
    return model


def export(net, x, y, path, newer, kept=True):
    if newer:
        b = torch.export.Dim("batch")
        shapes = ({0: b}, {0: b}) if y is not None else ({0: b},)
        args = (x, y) if y is not None else (x,)
        torch.onnx.export(net, args, path, dynamo=True, optimize=not kept, dynamic_shapes=shapes,
                          external_data=False, verbose=False)
    else:
        torch.onnx.export(net, (x, y), path, dynamo=False, input_names=["x", "y"],
                          dynamic_axes={"x": {0: "batch"}, "y": {0: "batch"}},
                          training=torch.onnx.TrainingMode.PRESERVE if kept else torch.onnx.TrainingMode.EVAL,
                          do_constant_folding=not kept)
    return stripped(path)


for name, (net, x, y, newer) in networks.items():
    net.eval()
    with torch.no_grad():
        for p in net.parameters():
            p.add_(torch.randn_like(p) * 0.05)
    for dtype, end in ((torch.float32, ""), (torch.float64, "-double")):
        model = export(net.to(dtype), cast(x, dtype), cast(y, dtype), f"{name}{end}.onnx", newer)
    named = dict(net.named_parameters())
    order = [named[i.name] for i in model.graph.initializer if i.name in named]
    assert len(order) == len(named)
    with sdpa_kernel(SDPBackend.MATH):
        loss = net(cast(x, torch.float64), cast(y, torch.float64))
        g = torch.cat([a.flatten() for a in torch.autograd.grad(loss, order, create_graph=True)])
        v = torch.sin(torch.arange(1, len(g) + 1, dtype=torch.float64))
        hv = torch.cat([a.flatten() for a in torch.autograd.grad(g @ v, order)])
    numbers = dict(torch=torch.__version__, parameters=len(g), loss=loss.item(), gradient_norm=g.norm().item(),
                   gv=(g @ v).item(), vhv=(hv @ v).item(), hv_norm=hv.norm().item())
    json.dump(numbers, open(f"{name}.json", "w"))
    np.savez(f"{name}.npz", **{i.name: a.numpy() for i, a in zip(model.graph.input, (x, y))})

# What exports change: a batch norm folded into its convolution, norms of equal scales merged, weights transposed.
ruined = nn.Sequential(nn.Conv2d(2, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(2), nn.Linear(4, 5),
                       nn.LayerNorm(5), nn.Linear(5, 5), nn.LayerNorm(5), nn.Flatten(), nn.Linear(20, 3))
x, y = torch.randn(4, 2, 4, 4), torch.randint(0, 3, (4,))
for newer in (True, False):
    export(Loss(ruined.eval(), F.cross_entropy), x, y, f"ruined-{'newer' if newer else 'older'}.onnx", newer, kept=False)
