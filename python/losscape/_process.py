"""The program: where it is, and one run of it with its progress, its errors and its end."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
from pathlib import Path
from typing import Any, Sequence

from ._progress import Progress, progress

#: What a record on standard error begins with, which no other line does.
RECORD = "\x1e"


class Error(Exception):
    """What the program refused or could not do, in its own words.

    ``code`` is its exit code: 1 the machine failed, 2 the request or a file is wrong, 3 computed, but what was asked did not
    hold; then ``result`` is what was written all the same. ``text`` is the line without the word "error".
    """

    def __init__(self, text: str, code: int, result: Any = None):
        super().__init__(text)
        self.text, self.code, self.result = text, code, result


def program() -> str:
    """The path of the program: that of ``LOSSCAPE_BINARY``, else the one that was installed with this package, else the first
    ``losscape`` on the path."""
    given = os.environ.get("LOSSCAPE_BINARY")
    if given:
        path = shutil.which(given)
        if path is None:
            raise Error(f"LOSSCAPE_BINARY: expected a program, found {given!r}", 2)
        return os.path.abspath(path)
    name = "losscape" + (sysconfig.get_config_var("EXE") or "")
    here = Path(__file__).resolve()
    folders = [sysconfig.get_path("scripts")]
    if sys.version_info >= (3, 10):
        folders.append(sysconfig.get_path("scripts", sysconfig.get_preferred_scheme("user")))
    # Where `pip install --target` and `--prefix` put it.
    folders += [str(here.parents[1] / "bin"), *(str(above / "bin") for above in here.parents[3:5])]
    for folder in folders:
        path = Path(folder) / name
        if path.is_file() and os.access(path, os.X_OK):
            return str(path)
    found = shutil.which("losscape")
    if found is None:
        text = "losscape: expected the program, found none (pip install losscape-rs, or set LOSSCAPE_BINARY to it)"
        raise Error(text, 2)
    return found


class Done:
    """A run that ended: its exit code, what it printed, and the directories that it wrote results into, in order."""

    def __init__(self, code: int, output: str, wrote: list[str], errors: list[str]):
        self.code, self.output, self.wrote, self.errors = code, output, wrote, errors

    def error(self, result: Any = None) -> Error | None:
        """What went wrong, if anything did."""
        if self.code == 0:
            return None
        said = [line[len("error: "):] for line in self.errors if line.startswith("error: ")]
        text = said[-1] if said else "\n".join(self.errors[-5:]) or f"losscape ended with code {self.code}"
        return Error(text, self.code, result)


def environment() -> dict[str, str]:
    """The environment of a run whose progress is shown here."""
    return {**os.environ, "LOSSCAPE_PROGRESS": "records"}


def run(arguments: Sequence[str], quiet: bool = False) -> Done:
    """Runs the program to its end and shows how far it is. Ctrl-C stops it, and what it has finished is kept."""
    shown = progress(quiet)
    process = subprocess.Popen(
        [program(), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    printed: list[bytes] = []
    reader = threading.Thread(target=lambda: printed.append(process.stdout.read()), daemon=True)
    reader.start()
    wrote: list[str] = []
    errors: list[str] = []

    def listen() -> None:
        for raw in process.stderr:
            line = raw.decode("utf-8", "replace").rstrip("\n")
            if line.startswith(RECORD):
                hear(line[len(RECORD):], wrote, shown)
                continue
            errors.append(line)
            del errors[:-50]
            # An error is raised, and said by whoever catches it.
            if not line.startswith("error: "):
                shown.line(line)

    try:
        listen()
        process.wait()
    except BaseException:
        # A terminal and Jupyter send SIGINT to the program as well, and a second one would end it at once; SIGTERM asks for the
        # same, once more or not.
        stop(process)
        raise
    finally:
        shown.finish()
        reader.join()
        process.stdout.close()
        process.stderr.close()
    code = process.returncode
    if code < 0:
        code = 128 - code
    done = Done(code, b"".join(printed).decode("utf-8", "replace"), wrote, errors)
    if code == 128 + signal.SIGINT:
        error = done.error()
        raise KeyboardInterrupt(error.text if error else "")
    return done


def hear(record: str, wrote: list[str], shown: Progress) -> None:
    try:
        told = json.loads(record)
    except ValueError:
        return
    if "wrote" in told:
        wrote.append(told["wrote"])
    elif "done" in told:
        shown.update(told["what"], told["unit"], told["done"], told["total"], told["note"])


def stop(process: subprocess.Popen) -> None:
    """Asks the program to stop and waits until it has kept what is finished, which takes at most two seconds."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait()
    except BaseException:
        process.kill()
        process.wait()
        raise


def answer(arguments: Sequence[str]) -> str:
    """What a command prints that writes nothing; raises what it refuses."""
    done = run(arguments, quiet=True)
    error = done.error()
    if error:
        raise error
    return done.output
