"""The notebooks run from the first cell to the last, as in Jupyter."""

import os
import pathlib

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

NOTEBOOKS = pathlib.Path(__file__).resolve().parents[1] / "notebooks"
NEEDS = {"own-model": ["torch", "scipy"], "study": ["pandas", "matplotlib"]}


@pytest.mark.parametrize("name", sorted(NEEDS))
def test_a_notebook_runs(name, work):
    for module in NEEDS[name]:
        pytest.importorskip(module)
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "a notebook is kept without what it puts out"
    client = nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(work)}})
    client.execute()
    html = [output["data"]["text/html"] for cell in notebook.cells for output in cell.get("outputs", []) if "text/html" in output.get("data", {})]
    if name == "own-model":
        assert any("data:image/svg+xml" in text for text in html) and any("<iframe" in text for text in html)
    kept = os.environ.get("LOSSCAPE_NOTEBOOKS")
    if kept:
        nbformat.write(notebook, pathlib.Path(kept) / f"{name}.ipynb")


def test_every_notebook_is_run():
    assert {path.stem for path in NOTEBOOKS.glob("*.ipynb")} == set(NEEDS)
