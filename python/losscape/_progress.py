"""How far the program is, as a bar in a terminal or a notebook, else as a line now and then."""

from __future__ import annotations

import html
import sys
import time
from typing import Any


class Progress:
    """Lines of the program, and a line of progress every ten seconds where nobody watches a bar."""

    every = 10.0

    def __init__(self) -> None:
        self.shown = self.started = time.monotonic()
        self.what: str | None = None

    def update(self, what: str, unit: str, done: float, total: float, note: str) -> None:
        """So much of `what` is done."""
        now = time.monotonic()
        begins = what != self.what
        if begins:
            self.what, self.started = what, now
        if now - self.shown >= self.every or begins and self.every < 1:
            self.shown = now
            share = min(done / total, 1.0) if total > 0 else 0.0
            left = (now - self.started) * (1 - share) / share if share > 0 else None
            self.draw(what, unit, done, total, share, left, note)

    def draw(self, what: str, unit: str, done: float, total: float, share: float, left: float | None, note: str) -> None:
        self.line(words(what, unit, done, total, left, note))

    def line(self, text: str) -> None:
        """What the program says."""
        print(text, file=sys.stderr, flush=True)

    def finish(self) -> None:
        """The work is done."""


class Quiet(Progress):
    """Nothing."""

    def update(self, *_: Any) -> None:
        pass

    def line(self, text: str) -> None:
        pass


class Terminal(Progress):
    """A bar in the last line."""

    every = 0.1
    width = 30

    def draw(self, what: str, unit: str, done: float, total: float, share: float, left: float | None, note: str) -> None:
        full = round(share * self.width)
        bar = "=" * full + " " * (self.width - full)
        print(f"\r\x1b[2K[{bar}] {words(what, unit, done, total, left, note)}"[:200], end="", file=sys.stderr, flush=True)

    def line(self, text: str) -> None:
        print(f"\r\x1b[2K{text}", file=sys.stderr, flush=True)

    def finish(self) -> None:
        print("\r\x1b[2K", end="", file=sys.stderr, flush=True)


class Notebook(Progress):
    """A bar in the cell, which goes when the work is done."""

    every = 0.25

    def __init__(self) -> None:
        super().__init__()
        self.handle: Any = None

    def draw(self, what: str, unit: str, done: float, total: float, share: float, left: float | None, note: str) -> None:
        text = html.escape(words(what, unit, done, total, left, note))
        self.show(f'<progress value="{share:.4f}" max="1" style="width: 20em"></progress> <span>{text}</span>')

    def show(self, source: str) -> None:
        from IPython.display import HTML, display

        if self.handle is None:
            self.handle = display(HTML(source), display_id=True)
        else:
            self.handle.update(HTML(source))

    def finish(self) -> None:
        if self.handle is not None:
            self.show("")


def words(what: str, unit: str, done: float, total: float, left: float | None, note: str) -> str:
    """"sharpness: 120 of 400 products, 3 s left"."""
    text = f"{what}: {done:.0f} of {total:.0f} {unit}"
    if note:
        text += f", {note}"
    if left is not None:
        text += f", {duration(left)} left"
    return text


def duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def in_notebook() -> bool:
    """Whether this runs in the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None
    return shell is not None and hasattr(shell, "kernel")


def progress(quiet: bool) -> Progress:
    """The kind that is of use here."""
    if quiet:
        return Quiet()
    if in_notebook():
        return Notebook()
    return Terminal() if sys.stderr is not None and sys.stderr.isatty() else Progress()
