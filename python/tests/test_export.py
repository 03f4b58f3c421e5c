"""Networks of PyTorch."""

import hashlib
import pathlib

import pytest

import losscape

torch = pytest.importorskip("torch")
F = torch.nn.functional


@pytest.fixture
def small():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(5, 6), torch.nn.Tanh(), torch.nn.Linear(6, 3))
    return model, torch.randn(40, 5), torch.randint(0, 3, (40,))


def exact(model, x, y):
    """Loss and gradient norm over all samples, in double precision."""
    model = model.double()
    model.zero_grad()
    loss = F.cross_entropy(model(x.double()), y)
    loss.backward()
    norm = sum(float((p.grad**2).sum()) for p in model.parameters()) ** 0.5
    model.float()
    return float(loss.detach()), norm


def test_a_network_and_its_loss_are_those_of_torch(small):
    model, x, y = small
    model.train()
    exported = losscape.export(model, (x, y), "net.pt2", loss=F.cross_entropy)
    assert model.training and exported.parameters == sum(p.numel() for p in model.parameters())
    assert pathlib.Path(exported.data) == pathlib.Path("net.npz")
    told = losscape.inspect("net.pt2", data=exported.data_setting, precision="f64")
    loss, norm = exact(model, x, y)
    assert told["loss"] == pytest.approx(loss, rel=1e-12) and told["gradient_norm"] == pytest.approx(norm, rel=1e-10)
    # The same bytes again, without the paths of this machine and without samples; torch reads it back.
    first = hashlib.sha256(pathlib.Path("net.pt2").read_bytes()).hexdigest()
    losscape.export(model, (x, y), "net.pt2", loss=F.cross_entropy)
    content = pathlib.Path("net.pt2").read_bytes()
    assert hashlib.sha256(content).hexdigest() == first
    assert str(pathlib.Path(__file__).parent).encode() not in content and x[0].numpy().tobytes() not in content
    torch.export.load("net.pt2")


def test_a_module_is_a_network(small):
    model, x, y = small
    result = losscape.slice(run=model, data=(x, y), loss=F.cross_entropy, x=3, dpi=20, quiet=True, out="of/module")
    loss, _ = exact(model, x, y)
    assert result.numbers["center"]["train_loss"] == pytest.approx(loss, rel=1e-6)
    assert pathlib.Path("of/module-run.pt2").exists() and pathlib.Path("of/module-data.npz").exists()
    pytest.importorskip("scipy")
    hessian = losscape.hessian(model, data=(x, y), loss=F.cross_entropy, precision="f64")
    assert hessian.loss == pytest.approx(loss, rel=1e-12)
    with pytest.raises(TypeError, match="needs its data as arrays"):
        losscape.slice(run=model, loss=F.cross_entropy)


def test_modules_that_return_their_loss_and_take_what_they_call_their_arguments(small):
    model, x, y = small

    class Own(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = model

        def forward(self, pixels, label):
            return F.cross_entropy(self.net(pixels), label) + 0.01 * sum((p**2).sum() for p in self.parameters())

    batch = {"pixels": x, "label": y, "test_pixels": x[:7], "test_label": y[:7]}
    exported = losscape.export(Own(), batch, "own.pt2")
    told = losscape.inspect("own.pt2", data=exported.data_setting)
    assert [argument["name"] for argument in told["inputs"]] == ["pixels", "label"]
    assert told["loss"] == pytest.approx(float(Own()(x, y).detach()), rel=1e-6)


def test_an_argument_that_all_samples_share_is_none_of_them(small):
    _, x, y = small

    class Masked(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = torch.nn.Linear(5, 3)

        def forward(self, x, mask, y):
            return F.cross_entropy(self.linear(x * mask), y)

    model = Masked()
    mask = torch.tensor([1.0, 0.0, 1.0, 0.5, 0.0])
    losscape.export(model, {"x": x, "mask": mask, "y": y}, "masked.pt2")
    told = losscape.inspect("masked.pt2", data="npz:file=masked.npz")
    assert told["loss"] == pytest.approx(float(model(x, mask, y).detach()), rel=1e-6)
    assert told["samples"] == len(x)


def test_what_differs_from_torch_is_an_error(small, monkeypatch):
    model, x, y = small
    from losscape import _export

    answer = _export.answer
    monkeypatch.setattr(_export, "answer", lambda words: answer(words).replace('"gradient_norm": ', '"gradient_norm": 1'))
    with pytest.raises(losscape.Error, match="expected the gradient norm of torch") as raised:
        losscape.export(model, (x, y), "net.pt2", loss=F.cross_entropy)
    assert raised.value.code == 3


def test_what_cannot_be_exported_says_so(small):
    model, x, y = small
    with pytest.raises(losscape.Error, match=r"write x.shape\[0\], not len\(x\)"):
        losscape.export(model, (x, y), "net.pt2", loss=lambda out, y: F.cross_entropy(out, y) * len(y) / len(out))
    with pytest.raises(ValueError, match="an array called 'y'"):
        losscape.export(model, (x,), "net.pt2", loss=F.cross_entropy)
    with pytest.raises(ValueError, match="one without samples"):
        losscape.export(model, (x[:0], y[:0]), "net.pt2", loss=F.cross_entropy)
    with pytest.raises(TypeError, match="expected a torch.nn.Module"):
        losscape.export("model", (x, y), "net.pt2")
    fixed = losscape.export(model, (x[:8], y[:8]), "fixed.pt2", loss=F.cross_entropy, dynamic=False)
    assert fixed.samples == 8
