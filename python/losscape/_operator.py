"""The curvature of a network as a linear operator of SciPy, by one process that is kept."""

from __future__ import annotations

import struct
import subprocess
import tempfile
import threading
import weakref
from typing import Any, List, Optional

import numpy as np

from . import _call
from ._process import Error, program

GREETING = b"products"


class Kept:
    """The process that multiplies; `losscape product --help` says how it is spoken with."""

    def __init__(self, arguments: List[str], scratch: Any):
        self.scratch, self.closed = scratch, False
        self.lock = threading.Lock()
        self.process = subprocess.Popen(
            [program(), "product", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # Ctrl-C is for whoever asks for products; this process ends with its input.
            start_new_session=True,
        )
        self.errors: List[str] = []
        process, errors = self.process, self.errors

        def listen() -> None:
            for line in process.stderr:
                errors.append(line.decode("utf-8", "replace").rstrip("\n"))
                del errors[:-50]

        self.listener = threading.Thread(target=listen, daemon=True)
        self.listener.start()
        if self.receive(len(GREETING)) != GREETING:
            self.close()
            raise Error("product: expected its greeting, found something else: another version of the program?", 2)
        (self.dimension,) = struct.unpack("<Q", self.receive(8))

    def receive(self, count: int) -> bytes:
        data = self.process.stdout.read(count)
        if len(data) < count:
            raise self.failure()
        return data

    def failure(self) -> Error:
        code = self.process.wait()
        self.listener.join()
        said = [line[len("error: "):] for line in self.errors if line.startswith("error: ")]
        text = said[-1] if said else "\n".join(self.errors[-5:]) or f"losscape product ended with code {code}"
        return Error(text, code if code > 0 else 128 - code)

    def ask(self, count: int, block: bytes, numbers: int) -> np.ndarray:
        if self.closed:
            raise Error("product: expected an open operator, found one that is closed", 2)
        if self.process.poll() is not None:
            raise self.failure()
        # What was begun is finished, or no later answer would be that of its question.
        with self.lock:
            try:
                try:
                    self.process.stdin.write(struct.pack("<Q", count) + block)
                    self.process.stdin.flush()
                except (BrokenPipeError, ConnectionResetError):
                    raise self.failure() from None
                return np.frombuffer(self.receive(8 * numbers), "<f8").astype(float)
            except KeyboardInterrupt:
                self.process.kill()
                raise

    def close(self) -> None:
        self.closed = True
        for pipe in (self.process.stdin, self.process.stdout):
            try:
                pipe.close()
            except OSError:
                pass
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.listener.join()
        self.process.stderr.close()
        self.scratch.cleanup()


def hessian(
    run: Any = None,
    *,
    operator: str = "hessian",
    samples: Optional[int] = None,
    data: Any = None,
    loss: Any = None,
    weights: Any = None,
    model: Any = None,
    other_data: bool = False,
    stats: Optional[str] = None,
    stat_batch: Any = None,
    precision: Optional[str] = None,
    memory: Optional[float] = None,
    threads: Optional[int] = None,
) -> Any:
    """The Hessian of a network's mean loss at its weights, p x p, as a ``scipy.sparse.linalg.LinearOperator``.

    One process is kept and multiplies vector after vector, and blocks of them, until the operator is closed or gone::

        H = losscape.hessian("runs/a")
        scipy.sparse.linalg.eigsh(H, k=5, which="LA", return_eigenvectors=False)

    Parameters are those of ``losscape product``: `run` a run, a weight file, an exported network or a module of torch (then with
    `data` as arrays, and `loss`); `operator` "hessian", "gauss-newton", "fisher" or "empirical-fisher"; `samples` the first so many
    training samples; `precision` "f32" or "f64", which decides how exact the eigenvalues are.

    The operator also has ``loss``, ``gradient`` and ``theta``, the weights, and ``close()``; it can be used in a ``with``.
    """
    from scipy.sparse.linalg import LinearOperator

    from ._commands import COMMANDS

    names = "run operator samples data loss weights model other_data stats stat_batch precision memory threads".split()
    values = locals()
    given = {name: values[name] for name in names if values[name] is not None and values[name] is not False}
    scratch = tempfile.TemporaryDirectory(prefix="losscape-")
    try:
        kept = Kept(["--quiet", *_call.words(COMMANDS["product"], given, scratch.name + "/given")], scratch)
    except BaseException:
        scratch.cleanup()
        raise
    p = kept.dimension

    class Hessian(LinearOperator):
        """The curvature of a network's mean loss."""

        def __init__(self) -> None:
            super().__init__(np.dtype(float), (p, p))
            self._point: Optional[np.ndarray] = None
            self._close = weakref.finalize(self, kept.close)

        def _matvec(self, x: np.ndarray) -> np.ndarray:
            if np.iscomplexobj(x):
                raise TypeError("expected real numbers, found complex ones")
            return kept.ask(1, np.ascontiguousarray(x.reshape(-1), "<f8").tobytes(), p)

        def _matmat(self, x: np.ndarray) -> np.ndarray:
            if np.iscomplexobj(x):
                raise TypeError("expected real numbers, found complex ones")
            k = x.shape[1]
            if k == 0:
                return np.zeros((p, 0))
            return kept.ask(k, np.ascontiguousarray(x.T, "<f8").tobytes(), k * p).reshape(k, p).T

        def _adjoint(self) -> "Hessian":
            return self

        _transpose = _adjoint

        def _here(self) -> np.ndarray:
            if self._point is None:
                self._point = kept.ask(0, b"", 1 + 2 * p)
            return self._point

        @property
        def loss(self) -> float:
            """The mean loss."""
            return float(self._here()[0])

        @property
        def gradient(self) -> np.ndarray:
            """Its gradient."""
            return self._here()[1 : 1 + p].copy()

        @property
        def theta(self) -> np.ndarray:
            """The weights at which it is taken."""
            return self._here()[1 + p :].copy()

        def close(self) -> None:
            """Ends the process."""
            self._close()

        def __enter__(self) -> "Hessian":
            return self

        def __exit__(self, *_: Any) -> None:
            self.close()

    return Hessian()
