"""Networks of PyTorch: a module and its loss as a file of ``torch.export``, compared with torch."""

from __future__ import annotations

import copy
import inspect
import json
import os
import sys
import zipfile
from dataclasses import dataclass
from typing import Any, Callable, Dict, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from ._process import Error, answer

#: Samples that the exporter sees: batches of one and two it may take for constants.
EXAMPLE = 4
#: Samples on which the loss and the gradient are compared with torch's.
COMPARED = 32


@dataclass(frozen=True)
class Exported:
    """A network that was exported, with its data beside it: ``losscape.slice(run=exported)``."""

    path: str
    data: str
    #: Parameters of the network.
    parameters: int
    #: Loss and norm of its gradient over the first samples, as the program computes them; None where nothing was compared.
    loss: Optional[float]
    gradient_norm: Optional[float]
    #: How many samples those are.
    samples: int

    @property
    def data_setting(self) -> str:
        """The data as ``data=`` takes them."""
        return f"npz:file={json.dumps(self.data, ensure_ascii=False)}"


def is_module(value: Any) -> bool:
    """Whether a value is a module of torch, which then has been imported."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.nn.Module)


def is_array(value: Any) -> bool:
    """Whether a value is an array of numpy, or converts into one."""
    torch = sys.modules.get("torch")
    return isinstance(value, np.ndarray) or torch is not None and isinstance(value, torch.Tensor) or hasattr(value, "__array__")


def as_numpy(value: Any) -> np.ndarray:
    """An array of numpy."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        return (value.float() if value.dtype in (torch.bfloat16, torch.float16) else value).numpy()
    return np.asarray(value)


def named(data: Any) -> Dict[str, np.ndarray]:
    """Arrays by the names that the program knows them by: x and y, or train_x, train_y, test_x, test_y."""
    if isinstance(data, Mapping):
        return {str(name): as_numpy(array) for name, array in data.items()}
    names = {1: ("x",), 2: ("x", "y"), 4: ("train_x", "train_y", "test_x", "test_y")}.get(len(data))
    if names is None:
        raise TypeError(f"data: expected (x, y), (x, y, test_x, test_y) or a dict of arrays, found {len(data)} arrays")
    return dict(zip(names, map(as_numpy, data)))


def save_arrays(data: Any, path: str) -> str:
    """Writes arrays into a file of numpy's, and returns its path; a file with the same bytes stays as it is."""
    write_arrays(named(data), path)
    return path


def write_arrays(arrays: Mapping[str, np.ndarray], path: str) -> None:
    for name, array in arrays.items():
        if array.dtype.kind not in "fiub":
            raise TypeError(f"data: {name}: expected numbers, found an array of {array.dtype}")
    folder = os.path.dirname(path)
    if folder:
        os.makedirs(folder, exist_ok=True)
    new = f"{path}.{os.getpid()}.npz"
    np.savez(new, **arrays)
    os.replace(new, path)


def export(
    module: Any,
    batch: Any,
    path: Union[str, "os.PathLike[str]"],
    loss: Optional[Callable[..., Any]] = None,
    *,
    target: str = "y",
    data: Union[str, "os.PathLike[str]", None] = None,
    dynamic: bool = True,
    compare: bool = True,
) -> Exported:
    """Exports a network of PyTorch with its loss, for every command to take as ``run``.

    Parameters
    ----------
    module : torch.nn.Module
        The network; with no `loss`, a module that returns its loss.
    batch : tuple or dict of arrays or tensors
        The samples: ``(x, y)``, ``(x, y, test_x, test_y)``, or a dict. The arrays of a dict are passed to `module` by their names,
        those that begin with ``test_`` are for testing. The first axis counts samples.
    path : str
        Where the network goes, such as ``model.pt2``; the arrays go beside it, ``model.npz``.
    loss : callable, optional
        ``loss(outputs, y)``, the mean over the batch, as ``torch.nn.functional.cross_entropy``; or "cross-entropy", "mean-squared-error".
    target : str
        Which array of a dict the loss compares with; the others are the inputs of the network.
    data : str, optional
        Another path for the arrays.
    dynamic : bool
        Whether the batch may have any size. With False it has the size of `batch`.
    compare : bool
        Whether loss and gradient of the first samples are compared with torch's, in double precision. What differs raises `Error`.

    Returns
    -------
    Exported
        Give it to any command: ``losscape.slice(run=exported)``.
    """
    import torch

    if not isinstance(module, torch.nn.Module):
        raise TypeError(f"module: expected a torch.nn.Module, found {type(module).__name__}")
    path = os.fspath(path)
    if not path.endswith(".pt2"):
        path += ".pt2"
    data = os.fspath(data) if data is not None else path[: -len(".pt2")] + ".npz"
    arrays = {strip_prefix(name): array for name, array in named(batch).items()}
    trained = {name: array for name, array in arrays.items() if not name.startswith("test_")}
    lengths = {array.shape[0] if array.ndim else 0 for array in trained.values()}
    samples = next(iter(trained.values())).shape[0] if trained and 0 not in lengths else 0
    if samples == 0:
        raise ValueError("batch: expected arrays whose first axis counts samples, found one without samples")
    if loss is not None and target not in trained:
        raise ValueError(f"batch: expected an array called {target!r} for the loss, found {', '.join(trained)}")
    loss = function_of(loss)
    folder = os.path.dirname(path)
    if folder:
        os.makedirs(folder, exist_ok=True)
    # What has another first axis is shared by all samples, and lies once among the arrays.
    shared = [name for name, array in trained.items() if array.shape[0] != samples]
    states = [(part, part.training) for part in module.modules()]
    try:
        wrapped = wrap(module.eval(), loss, target if loss is not None else None, list(trained))
        tensors = {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in trained.items()}
        device = next((p.device for p in module.parameters()), torch.device("cpu"))
        if device.type != "cpu":
            wrapped = copy.deepcopy(wrapped).cpu()
        few = samples if not dynamic else min(samples, EXAMPLE)
        example = {name: t if name in shared else t[:few] for name, t in tensors.items()}
        axis = torch.export.Dim("batch") if dynamic else None
        shapes = {name: {0: axis} if dynamic and name not in shared else None for name in tensors}
        try:
            program = torch.export.export(wrapped, (), kwargs=example, dynamic_shapes=shapes)
        except Exception as error:
            hint = "write x.shape[0], not len(x), for the size of the batch, or give dynamic=False" if dynamic else "see docs/your-own-model.md"
            raise Error(f"{path}: torch cannot export this module ({hint}): {error}", 2) from error
        # The file keeps the example, of which the shapes matter, and no sample of anybody's.
        blank = {name: torch.zeros_like(t) for name, t in example.items()}
        program._example_inputs = ((), blank)
        torch.export.save(program, path)
        strip(path)
        write_arrays(arrays, data)
        understood = json.loads(answer(["inspect", path, "--json"]))
        unknown = understood["unknown_operators"]
        if unknown:
            raise Error(f"{path}: operators that are not understood: {', '.join(unknown)}", 2)
        if not compare:
            return Exported(path, data, understood["parameters"], None, None, 0)
        few = samples if not dynamic else min(samples, COMPARED)
        first = {name: t if name in shared else t[:few] for name, t in tensors.items()}
        found = compared(wrapped, first, path)
        return Exported(path, data, understood["parameters"], found[0], found[1], few)
    finally:
        for part, training in states:
            part.training = training


def strip_prefix(name: str) -> str:
    """The arguments of a network have no word for training."""
    return name[len("train_"):] if name in ("train_x", "train_y") else name


def function_of(loss: Any) -> Any:
    """The loss as a function."""
    if loss is None or callable(loss):
        return loss
    import torch

    known = {"cross-entropy": torch.nn.functional.cross_entropy, "mean-squared-error": torch.nn.functional.mse_loss}
    if loss not in known:
        raise ValueError(f"loss: expected a function loss(outputs, y), or one of {', '.join(known)}, found {loss!r}")
    return known[loss]


def wrap(module: Any, loss: Any, target: Optional[str], names: Sequence[str]) -> Any:
    """A module whose forward takes the arrays by their names and returns the loss."""
    import torch

    inputs = [name for name in names if name != target]

    class Wrapped(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = module
            # Of a module so that it is copied and moved with this one.
            self.loss = loss

        def compute(self, *given: Any) -> Any:
            arrays = dict(zip(names, given))
            outputs = called(self.model, arrays, inputs)
            return outputs if self.loss is None else self.loss(outputs, arrays[target])

    # torch.export names its inputs as the arguments of forward.
    if not all(name.isidentifier() for name in names):
        raise ValueError(f"batch: expected names that arguments may have, found {', '.join(names)}")
    space: Dict[str, Any] = {}
    listed = ", ".join(names)
    exec(f"def forward(self, {listed}):\n    return self.compute({listed})\n", space)
    Wrapped.forward = space["forward"]
    wrapped = Wrapped()
    wrapped.eval()
    return wrapped


def called(module: Any, arrays: Mapping[str, Any], inputs: Sequence[str]) -> Any:
    """The network's outputs: its arguments by their names where it has such, else in their order."""
    parameters = inspect.signature(module.forward).parameters
    if all(name in parameters for name in inputs):
        return module(**{name: arrays[name] for name in inputs})
    return module(*(arrays[name] for name in inputs))


def strip(path: str) -> None:
    """Drops the source locations that torch writes: they name the machine's folders and are no part of the network."""

    def clean(value: Any) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("metadata"), dict):
                value["metadata"] = {k: v for k, v in value["metadata"].items() if k == "nn_module_stack"}
            for item in value.values():
                clean(item)
        elif isinstance(value, list):
            for item in value:
                clean(item)

    with zipfile.ZipFile(path) as archive:
        files = [(info, archive.read(info)) for info in archive.infolist()]
    new = f"{path}.{os.getpid()}"
    with zipfile.ZipFile(new, "w") as archive:
        for info, data in files:
            if info.filename.endswith("models/model.json"):
                graph = json.loads(data)
                clean(graph)
                data = json.dumps(graph).encode()
            archive.writestr(info, data)
    os.replace(new, path)


def compared(wrapped: Any, tensors: Mapping[str, Any], path: str) -> Tuple[float, float]:
    """Loss and gradient norm of the first samples, as the program has them; raises where torch's are others."""
    import tempfile


    def torchs(double: bool) -> Tuple[float, float]:
        network = copy.deepcopy(wrapped)
        given = dict(tensors)
        if double:
            network = network.double()
            given = {name: t.double() if t.is_floating_point() else t for name, t in given.items()}
        network.zero_grad()
        out = network(**given)
        value = scalar(out)
        value.backward()
        squares = (float((p.grad.double() ** 2).sum()) for p in network.parameters() if p.grad is not None)
        return float(value.detach()), sum(squares) ** 0.5

    try:
        double = True
        expected = torchs(True)
    except RuntimeError:
        # A module that makes tensors of single precision inside.
        double = False
        expected = torchs(False)
    with tempfile.TemporaryDirectory(prefix="losscape-") as folder:
        file = os.path.join(folder, "first.npz")
        write_arrays({name: as_numpy(t) for name, t in tensors.items()}, file)
        precision = "f64" if double else "f32"
        told = json.loads(answer(["inspect", path, "--data", f"npz:file={json.dumps(file)}", "--precision", precision, "--json"]))
    found = (told["loss"], told["gradient_norm"])
    # Single precision within the graph leaves its rounding, which sums and square roots carry along.
    tolerance = 1e-4
    for what, own, theirs in zip(("loss", "gradient norm"), found, expected):
        if not isinstance(own, (int, float)) or not abs(own - theirs) <= tolerance * max(abs(theirs), 1e-2):
            text = f"{path}: expected the {what} of torch, {theirs!r}, found {own!r}"
            raise Error(text, 3)
    return found


def scalar(out: Any) -> Any:
    """The loss among what a module returns: itself, or what is called so, or the first."""
    if isinstance(out, Mapping):
        return out["loss"]
    if hasattr(out, "loss"):
        return out.loss
    return out[0] if isinstance(out, (tuple, list)) else out
