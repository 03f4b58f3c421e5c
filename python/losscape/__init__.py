"""See and measure the loss landscape of a neural network.

Every command of the program ``losscape`` is a function here, with its flags as keywords::

    import losscape
    result = losscape.slice(run="runs/a", x=(-1, 1, 51), samples=500)
    result.arrays["train_loss"]          # numpy arrays
    result.numbers["center"]             # what slice.json holds
    result                               # in a notebook: the pictures

``help(losscape.slice)`` says what ``losscape slice --help`` says. Networks of PyTorch are given as they are, and data as
arrays::

    losscape.slice(run=model, data=(x, y), loss=torch.nn.functional.cross_entropy)
    losscape.export(model, (x, y), "model.pt2", loss=loss)     # the same in two steps, compared with torch

``losscape.hessian(run)`` is the Hessian as a ``LinearOperator`` of SciPy. Only numpy is needed, torch for networks of torch
and SciPy for the operator.
"""

from ._commands import *  # noqa: F401,F403
from . import _commands
from ._commands import VERSION as __version__
from ._export import Exported, export
from ._operator import hessian
from ._process import Error, program
from ._result import Figure, Result, load

__all__ = ["Error", "Exported", "Figure", "Result", "export", "hessian", "load", "program", *_commands.__all__]
