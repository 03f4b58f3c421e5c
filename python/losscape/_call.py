"""One call of a command: keywords as flags, arrays as data, networks of torch as exported files."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from . import _export
from ._process import run
from ._result import Result

# What keywords take; the names stand in the signatures.
Text = Union[str, "os.PathLike[str]"]
Setting = Union[str, float, Mapping[str, Any]]
List_ = Union[str, Sequence[Any], np.ndarray]
Paths = Union[Text, Sequence[Text]]
Range = Union[str, int, Sequence[float]]
Data = Any
Network = Any

#: Flags whose networks may be modules of torch.
NETWORKS = ("run", "from", "to", "model")


class Command(NamedTuple):
    """A command, as the program's own list has it."""

    flags: Dict[str, str]
    positional: Tuple[str, ...]
    #: Where its result goes where nothing is said; none of commands that write nothing.
    out: Optional[str]
    json: bool
    quiet: bool


def flag(name: str) -> str:
    """The flag of a keyword: ``from_`` is ``--from``, ``batch_size`` is ``--batch-size``."""
    return name.rstrip("_").replace("_", "-")


def call(name: str, command: Command, given: Mapping[str, Any]) -> Any:
    """Runs a command: a `Result` of one that writes, Python's dicts of one that prints JSON, else its text."""
    given = {key: value for key, value in given.items() if value is not None and value is not False}
    with tempfile.TemporaryDirectory(prefix="losscape-") as scratch:
        arguments = words(command, given, beside(command, given, scratch))
        writes = command.out is not None
        quiet = bool(given.get("quiet"))
        as_json = not writes and command.json
        done = run([name, *(["--json"] if as_json else []), *arguments], quiet=quiet or not writes)
    if not writes:
        error = done.error()
        if error:
            raise error
        return json.loads(done.output) if as_json else done.output
    results = found(name, given, done)
    error = done.error(results)
    if error:
        raise error
    return results


def found(name: str, given: Mapping[str, Any], done: Any) -> Any:
    """The result of a call; of several recipes a list."""
    wrote = list(dict.fromkeys(done.wrote))
    several = name == "run" and isinstance(given.get("recipe"), (list, tuple)) and len(given["recipe"]) > 1
    if several:
        studies = [path for path in wrote if (Path(path) / "study.json").is_file()]
        return [Result(path, done.output) for path in studies]
    # Networks that were trained for it were written before it.
    return Result(wrote[-1] if wrote and done.code in (0, 3) else None, done.output)


def beside(command: Command, given: Mapping[str, Any], scratch: str) -> str:
    """What files made of arrays and modules begin with: they stay beside the result, which refers to them."""
    if command.out is None:
        return os.path.join(scratch, "given")
    out = os.fspath(given.get("out", command.out))
    return out.rstrip("/\\") or "losscape"


def words(command: Command, given: Mapping[str, Any], stem: str) -> List[str]:
    """The arguments of the program."""
    given = dict(given)
    modules(given, stem)
    if "data" in given and is_arrays(given["data"]):
        given["data"] = npz(_export.save_arrays(given["data"], stem + "-data.npz"))
    found: List[str] = []
    for key, value in given.items():
        if key in command.positional:
            continue
        takes, name = command.flags[key], flag(key)
        if takes == "switch":
            found.append(f"--{name}")
        elif takes == "optional" and value is True:
            found.append(f"--{name}")
        elif takes == "repeated":
            # A kind with its settings is one value, and so is a pair of a range.
            several = value if isinstance(value, (list, tuple)) else [value]
            found += [f"--{name}={text(item)}" for item in several]
        elif takes == "range" and not isinstance(value, str) and np.size(value) > 1:
            found.append(f"--{name}={':'.join(text(item) for item in np.asarray(value, object).ravel())}")
        else:
            found.append(f"--{name}={text(value)}")
    last = []
    for key in command.positional:
        if key in given:
            value = given[key]
            last += [text(item) for item in (value if isinstance(value, (list, tuple)) else [value])]
    return found + (["--", *last] if last else [])


def modules(given: Dict[str, Any], stem: str) -> None:
    """Exports the modules of torch among the networks, with the loss and the data that are given with them."""
    keys = [key for key in given if flag(key) in NETWORKS]
    several = lambda value: list(value) if isinstance(value, (list, tuple)) else [value]
    for key in keys:
        networks = several(given[key])
        if any(isinstance(network, _export.Exported) for network in networks):
            given.setdefault("data", next(n for n in networks if isinstance(n, _export.Exported)).data_setting)
            networks = [n.path if isinstance(n, _export.Exported) else n for n in networks]
        if any(_export.is_module(network) for network in networks):
            if "data" not in given or not is_arrays(given["data"]):
                raise TypeError(f"{key}: a module of torch needs its data as arrays: data=(x, y), or a dict of arrays")
            loss = given.get("loss")
            for i, network in enumerate(networks):
                if _export.is_module(network):
                    path = f"{stem}-{flag(key)}{'' if len(networks) == 1 else i}.pt2"
                    file = stem + "-data.npz"
                    networks[i] = _export.export(network, given["data"], path, loss=loss, data=file).path
            given["loss"] = None
            given["data"] = npz(stem + "-data.npz")
        given[key] = networks if isinstance(given[key], (list, tuple)) else networks[0]
    if given.get("loss") is None:
        given.pop("loss", None)
    elif callable(given["loss"]):
        raise TypeError("loss: a function goes with a module of torch as the network")


def npz(path: Text) -> str:
    """How a file of arrays is named as data."""
    return setting({"kind": "npz", "file": os.fspath(path)})


def is_arrays(value: Any) -> bool:
    """Whether data are given as arrays: by their names, or as x and y, perhaps with those for testing."""
    if isinstance(value, Mapping):
        return any(_export.is_array(item) for item in value.values())
    return isinstance(value, (list, tuple)) and any(_export.is_array(item) for item in value)


def text(value: Any) -> str:
    """A value as a flag takes it."""
    if isinstance(value, Mapping):
        return setting(value)
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, (list, tuple, range, np.ndarray)):
        return ",".join(text(item) for item in value)
    return os.fspath(value) if isinstance(value, os.PathLike) else str(value)


def setting(value: Mapping[str, Any]) -> str:
    """A kind with settings: ``{"kind": "csv", "file": "iris.csv"}`` is ``csv:file="iris.csv"``."""
    if not isinstance(value.get("kind"), str):
        raise TypeError(f"expected a dict with the name of the kind as 'kind', found {dict(value)!r}")
    settings = [f"{key.replace('_', '-')}={toml(item)}" for key, item in value.items() if key != "kind"]
    return value["kind"] + (":" + ",".join(settings) if settings else "")


def toml(value: Any) -> str:
    """A value as TOML has it."""
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (list, tuple, np.ndarray)):
        return "[" + ",".join(toml(item) for item in value) + "]"
    if isinstance(value, Mapping):
        return json.dumps(setting(value), ensure_ascii=False)
    return json.dumps(os.fspath(value) if isinstance(value, os.PathLike) else str(value), ensure_ascii=False)
