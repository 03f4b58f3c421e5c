"""What a command wrote: its numbers, arrays and pictures."""

from __future__ import annotations

import base64
import functools
import html
import json
import os
import webbrowser
from pathlib import Path
from typing import Any, Dict, Iterator, Mapping, Optional, Union

import numpy as np

from ._process import Error
from ._progress import in_notebook

#: Element types of safetensors files.
TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "U8": "u1", "BOOL": "?"}


class Figure:
    """A picture, in the files that it was written as. A notebook shows it."""

    def __init__(self, files: Mapping[str, Path]):
        #: The files by their kind: "svg", "png", "pdf".
        self.files = dict(files)

    def __repr__(self) -> str:
        return f"<Figure {', '.join(str(path) for path in self.files.values())}>"

    def _repr_html_(self) -> Optional[str]:
        # As an image, so that what two pictures call by the same name stays apart.
        for kind, mime in (("svg", "image/svg+xml"), ("png", "image/png")):
            if kind in self.files:
                data = base64.b64encode(self.files[kind].read_bytes()).decode()
                name = html.escape(self.files[kind].stem)
                return f'<img alt="{name}" src="data:{mime};base64,{data}" style="max-width: 100%">'
        return None

    def show(self) -> None:
        """Shows it: in the notebook, else in the program that the system opens pictures with."""
        if in_notebook():
            from IPython.display import display

            display(self)
        else:
            path = next((self.files[kind] for kind in ("svg", "png", "pdf") if kind in self.files), None)
            if path is not None:
                webbrowser.open(path.resolve().as_uri())


class Arrays(Mapping[str, np.ndarray]):
    """The arrays of a result by their names, each read when it is first asked for."""

    def __init__(self, path: Optional[Path]):
        self._file = np.load(path, allow_pickle=False) if path is not None else {}
        self._read: Dict[str, np.ndarray] = {}

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._read:
            if name not in self._file:
                raise KeyError(f"{name!r}: expected one of {', '.join(self)}")
            self._read[name] = self._file[name]
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._file.keys())

    def __len__(self) -> int:
        return len(self._file.keys())

    def __repr__(self) -> str:
        return "{" + ", ".join(f"{name}: {self[name].dtype}{list(self[name].shape)}" for name in self) + "}"


class Result:
    """What a command wrote into its directory.

    path     the directory; None where nothing was written (``plan=True``, a part of the work)
    report   what the program printed
    numbers  what the record of the result holds (``slice.json``), as Python's dicts and lists
    arrays   numpy's arrays by their names (``slice.npz``)
    figures  the pictures by their names
    """

    def __init__(self, path: Union[str, "os.PathLike[str]", None], report: str = ""):
        self.path = Path(path) if path is not None else None
        self.report = report

    @functools.cached_property
    def files(self) -> list[str]:
        """Names of the files that were written, the record of the result last."""
        return list(self.machine.get("files", []))

    @functools.cached_property
    def machine(self) -> Dict[str, Any]:
        """What differs from machine to machine: seconds, memory, the command line."""
        if self.path is None:
            return {}
        return json.loads((self.path / "machine.json").read_text("utf-8"))

    @functools.cached_property
    def numbers(self) -> Dict[str, Any]:
        """What the record of the result holds."""
        return json.loads((self.path / self.files[-1]).read_text("utf-8")) if self.files else {}

    @functools.cached_property
    def arrays(self) -> Arrays:
        """The arrays of the result."""
        names = [name for name in self.files if name.endswith(".npz")]
        return Arrays(self.path / names[-1] if names else None)

    @functools.cached_property
    def figures(self) -> Dict[str, Figure]:
        """The pictures by their names."""
        found: Dict[str, Dict[str, Path]] = {}
        for name in self.files:
            stem, _, kind = name.rpartition(".")
            if kind in ("svg", "png", "pdf"):
                found.setdefault(stem, {})[kind] = self.path / name
        return {name: Figure(files) for name, files in found.items()}

    @functools.cached_property
    def page(self) -> Optional[Path]:
        """The page of HTML, where one was written."""
        names = [name for name in self.files if name.endswith(".html")]
        return self.path / names[0] if names else None

    def tensors(self, name: str) -> Dict[str, np.ndarray]:
        """The tensors of a safetensors file of the result, such as ``weights.safetensors``."""
        path = self.path / name
        data = path.read_bytes()
        end = 8 + int.from_bytes(data[:8], "little")
        header = json.loads(data[8:end])
        header.pop("__metadata__", None)
        found = {}
        for key, tensor in header.items():
            if tensor["dtype"] not in TYPES:
                raise Error(f"{path}: {key}: expected a known element type, found {tensor['dtype']}", 2)
            start, stop = tensor["data_offsets"]
            numbers = np.frombuffer(data[end + start : end + stop], TYPES[tensor["dtype"]])
            found[key] = numbers.reshape(tensor["shape"]).copy()
        return found

    def _repr_html_(self) -> str:
        if self.page is not None:
            source = html.escape(self.page.read_text("utf-8"), quote=True)
            frame = 'width="100%" height="640" style="border: 0" sandbox="allow-scripts allow-downloads"'
            return f'<iframe srcdoc="{source}" {frame}></iframe>'
        pictures = [figure._repr_html_() or "" for figure in self.figures.values()]
        # Some pages that notebooks become take another font for what is preformatted.
        text = f'<pre style="font-family: monospace">{html.escape(str(self))}</pre>'
        return "\n".join(pictures) or text

    def show(self) -> None:
        """Shows it: in the notebook, else its page, or its first picture, in a browser."""
        if in_notebook():
            from IPython.display import display

            display(self)
        elif self.page is not None:
            webbrowser.open(self.page.resolve().as_uri())
        else:
            for figure in list(self.figures.values())[:1]:
                figure.show()

    def __str__(self) -> str:
        return self.report.rstrip() or repr(self)

    def __repr__(self) -> str:
        return f"<Result {self.path}>"


def load(path: Union[str, "os.PathLike[str]"]) -> Result:
    """The result that lies in a directory, whoever computed it."""
    if not (Path(path) / "machine.json").is_file():
        raise Error(f"{path}: expected the directory of a result, found no machine.json in it", 2)
    return Result(path)
