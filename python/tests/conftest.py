"""Tests of the Python package, with the program that LOSSCAPE_BINARY names, or the one that was installed.

    LOSSCAPE_BINARY=target/release/losscape python -m pytest python/tests

Only numpy is needed; what wants SciPy, torch or a notebook's kernel is skipped without them."""

import os
import pathlib
import sys

import pytest

PACKAGE = pathlib.Path(__file__).resolve().parents[1]
if os.environ.get("LOSSCAPE_BINARY"):
    # The package as it stands here; without, the one that was installed.
    sys.path.insert(0, str(PACKAGE))
    os.environ["LOSSCAPE_BINARY"] = os.path.abspath(os.environ["LOSSCAPE_BINARY"])
    os.environ["PYTHONPATH"] = os.pathsep.join([str(PACKAGE), os.environ.get("PYTHONPATH", "")])


@pytest.fixture(autouse=True)
def work(tmp_path, monkeypatch):
    """Every test runs in a directory of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def network(work):
    """A small network that has been trained."""
    import losscape

    losscape.train(hidden=[6], epochs=2, samples=120, dpi=20, quiet=True, out="net")
    return "net"
