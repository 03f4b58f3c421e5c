"""Commands as functions, with nothing but numpy."""

import inspect
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import losscape


def test_a_result_has_the_numbers_arrays_and_pictures_that_were_written(network):
    result = losscape.slice(run=network, x=(-1, 1, 5), y=(-0.5, 0.5, 3), dpi=20, quiet=True)
    assert result.path == pathlib.Path("out/slice")
    assert result.numbers == json.loads(pathlib.Path("out/slice/slice.json").read_text())
    with np.load("out/slice/slice.npz") as file:
        assert set(result.arrays) == set(file) and len(result.arrays) == len(file)
        np.testing.assert_array_equal(result.arrays["train_loss"], file["train_loss"])
    np.testing.assert_array_equal(result.arrays["x"], [-1, -0.5, 0, 0.5, 1])
    assert result.arrays["train_loss"].shape == (3, 5)
    assert "contour" in result.figures and set(result.figures["contour"].files) == {"png", "svg"}
    assert "data:image/svg+xml;base64," in result._repr_html_()
    weights = losscape.load(network).tensors("weights.safetensors")
    assert weights["0.weight"].shape == (6, 64) and weights["0.weight"].dtype == np.float32
    with pytest.raises(KeyError, match="train_loss"):
        result.arrays["train_los"]
    again = losscape.load("out/slice")
    assert again.numbers == result.numbers and repr(again) == f"<Result {pathlib.Path('out/slice')}>"


def test_a_page_is_shown_where_one_was_written(network):
    page = losscape.slice(run=network, x=5, html=True, dpi=20, quiet=True)
    assert page.page.suffix == ".html" and page._repr_html_().startswith("<iframe srcdoc=")


def test_what_the_program_refuses_is_raised_with_its_words_and_code(network):
    with pytest.raises(losscape.Error, match="--x: expected min:max:n, found `many`") as raised:
        losscape.slice(run=network, x="many")
    assert raised.value.code == 2 and raised.value.text == str(raised.value)
    with pytest.raises(losscape.Error, match="did you mean `digits`"):
        losscape.train(data="digtis")
    with pytest.raises(losscape.Error, match="no machine.json"):
        losscape.load("nowhere")
    with pytest.raises(TypeError):
        losscape.slice(rum=network)


def test_what_did_not_hold_is_raised_with_its_result():
    with pytest.raises(losscape.Error) as raised:
        losscape.train(hidden=[3], epochs=1, samples=60, target_loss=1e-6, dpi=20, quiet=True, out="missed")
    assert raised.value.code == 3
    assert raised.value.result.numbers["status"] == "target-missed"


def test_arrays_are_data(work):
    random = np.random.default_rng(0)
    x = random.normal(size=(80, 3)).astype(np.float32)
    y = (x[:, 0] > 0).astype(np.int64)
    result = losscape.train(data=(x, y, x[:10], y[:10]), hidden=4, epochs=1, dpi=20, quiet=True, out="own")
    assert result.numbers["samples"] == {"train": 80, "test": 10}
    named = losscape.train(data={"x": x, "y": y}, hidden=[4, 3], epochs=1, dpi=20, quiet=True, out="named")
    assert named.numbers["settings"]["data"]["kind"] == "npz"
    with pytest.raises(TypeError, match="3 arrays"):
        losscape.train(data=(x, y, x), out="own")
    with pytest.raises(TypeError, match="expected numbers"):
        losscape.train(data=(x, np.array(["a"] * 80)), out="own")


def test_kinds_with_settings_are_dicts(work):
    data = {"kind": "spirals", "noise": 0.25, "samples": 60}
    optimizer = {"kind": "sgd", "momentum": 0.5, "nesterov": True}
    result = losscape.train(data=data, optimizer=optimizer, hidden=[3], epochs=1, dpi=20, quiet=True, out="kinds")
    settings = result.numbers["settings"]
    assert settings["data"]["noise"] == 0.25
    assert settings["optimizer"]["momentum"] == 0.5 and settings["optimizer"]["nesterov"] is True
    # A path with what separates settings.
    os.mkdir("a,b=c")
    random = np.random.default_rng(0)
    np.savez("a,b=c/d.npz", x=random.normal(size=(40, 2)), y=random.integers(0, 2, 40))
    result = losscape.train(data={"kind": "npz", "file": "a,b=c/d.npz"}, hidden=[3], epochs=1, dpi=20, quiet=True, out="comma")
    assert result.numbers["settings"]["data"]["file"] == "a,b=c/d.npz"
    with pytest.raises(TypeError, match="'kind'"):
        losscape.train(data={"noise": 0.1})


def test_lists_kinds_and_texts():
    assert "adam" in [kind["name"] for kind in losscape.list("optimizer")["optimizer"]]
    assert losscape.recipe("width").startswith("# ")
    with pytest.raises(losscape.Error, match="did you mean"):
        losscape.recipe("widht")


def test_help_says_what_the_program_says():
    listed = json.loads(subprocess.run([losscape.program(), "list", "flags", "--json"], stdout=subprocess.PIPE).stdout)
    for name in losscape._commands.__all__:
        function = getattr(losscape, name)
        help = " ".join(inspect.getdoc(function).split())
        command = listed["flags"][name.replace("_", "-")]
        assert command["about"] in help, name
        keywords = inspect.signature(function).parameters
        for argument in command["arguments"]:
            if argument["hidden"] or argument["name"] == "json":
                continue
            keyword = (argument["flag"] or argument["name"]).replace("-", "_")
            keyword = keyword + "_" if keyword in ("from", "lambda") else keyword
            assert keyword in keywords, f"{name}: {keyword}"
            assert " ".join((argument["help"] or "").split()) in help, f"{name}: {keyword}"


def test_the_module_is_the_command(network):
    module = [sys.executable, "-m", "losscape"]
    done = subprocess.run([*module, "--version"], stdout=subprocess.PIPE, check=True)
    assert done.stdout.decode().startswith("losscape ")
    done = subprocess.run([*module, "slice", "--x", "many"], stderr=subprocess.PIPE)
    assert done.returncode == 2 and done.stderr.startswith(b"error: --x")


def test_a_program_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setenv("LOSSCAPE_BINARY", "/nowhere/losscape")
    with pytest.raises(losscape.Error, match="LOSSCAPE_BINARY: expected a program"):
        losscape.list("loss")


LONG = """
import losscape, sys
print("begun", flush=True)
try:
    losscape.train(epochs=100000, hidden=[32], dpi=20, out="long")
except KeyboardInterrupt:
    print("stopped", flush=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("whole_group", [True, False])
def test_ctrl_c_stops_the_work_and_keeps_it(work, whole_group):
    # As a terminal and Jupyter do, which signal the program as well, and as `kill` does.
    process = subprocess.Popen([sys.executable, "-c", LONG], stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    deadline = time.monotonic() + 30
    while not os.path.exists("long/checkpoint.safetensors") and time.monotonic() < deadline:
        time.sleep(0.05)
    (os.killpg if whole_group else os.kill)(process.pid, signal.SIGINT)
    output, errors = process.communicate(timeout=20)
    assert output.split() == [b"begun", b"stopped"], errors.decode()
    assert process.returncode == 0 and os.path.exists("long/checkpoint.safetensors")


def test_a_notebook_is_shown_a_bar(network, monkeypatch):
    from losscape import _process, _progress

    shown = []

    class Watched(_progress.Progress):
        def update(self, *told):
            shown.append(told)

    monkeypatch.setattr(_process, "progress", lambda quiet: Watched())
    losscape.sharpness(run=network, samples=60, compute=["eigenvalues", "density"], exact=0, dpi=20)
    assert {told[0] for told in shown} == {"sharpness"}
    counts = [told[2] for told in shown]
    assert counts == sorted(counts) and 0 < counts[-1] <= shown[-1][3]
