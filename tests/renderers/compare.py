#!/usr/bin/env python3
"""Draws SVG files with other programs and compares each with the PNG beside it. Run by hand:

    CHARTS=/tmp/charts cargo test --release --test library -- --ignored every_chart
    tests/renderers/compare.py /tmp/charts plots

Takes part in no test: programs and fonts differ from machine to machine. Uses those of rsvg-convert (librsvg2-bin),
CairoSVG (pip), Inkscape and mutool (mupdf-tools) that are installed, at least two; Pillow and NumPy; and DejaVu Sans
(fonts-dejavu-core), the font of the pictures.

A line a picture: the mean absolute difference, of 255, over all pixels and channels, by program. Other programs smooth
edges and text otherwise, which makes 1 to 7 at 100 dpi; a figure that is lost makes 15 and more. mutool sets text in a font of its
own, so its limit is wider. Exit code 1 if a picture is beyond its limit.
"""

import io
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image


def rsvg(svg: Path, size) -> bytes:
    w, h = map(str, size)
    return subprocess.run(["rsvg-convert", "-w", w, "-h", h, svg], check=True, capture_output=True).stdout


def cairo(svg: Path, size) -> bytes:
    import cairosvg

    return cairosvg.svg2png(url=str(svg), output_width=size[0], output_height=size[1])


def inkscape(svg: Path, size) -> bytes:
    with tempfile.TemporaryDirectory() as directory:
        png = Path(directory) / "out.png"
        flags = [f"--export-filename={png}", f"--export-width={size[0]}", f"--export-height={size[1]}"]
        subprocess.run(["inkscape", *flags, svg], check=True, capture_output=True)
        return png.read_bytes()


def mutool(svg: Path, size) -> bytes:
    with tempfile.TemporaryDirectory() as directory:
        png = Path(directory) / "out.png"
        flags = ["-w", str(size[0]), "-h", str(size[1]), "-o", str(png)]
        subprocess.run(["mutool", "draw", *flags, svg], check=True, capture_output=True)
        return png.read_bytes()


def has_cairo() -> bool:
    try:
        import cairosvg  # noqa: F401

        return True
    except ImportError:
        return False


# Name, whether it is there, how it draws, and the largest difference.
PROGRAMS = [
    ("rsvg", shutil.which("rsvg-convert"), rsvg, 4.0),
    ("cairosvg", has_cairo(), cairo, 8.0),
    ("inkscape", shutil.which("inkscape"), inkscape, 8.0),
    ("mutool", shutil.which("mutool"), mutool, 9.0),
]


def main() -> int:
    programs = [p for p in PROGRAMS if p[1]]
    if len(programs) < 2:
        sys.exit(f"expected two programs of {[p[0] for p in PROGRAMS]}, found {[p[0] for p in programs]}")
    svgs = sorted(svg for folder in sys.argv[1:] for svg in Path(folder).rglob("*.svg"))
    svgs = [svg for svg in svgs if svg.with_suffix(".png").exists()]
    if not svgs:
        sys.exit("expected folders with SVG files that have a PNG beside them, found none")
    print(f"{'':40}" + "".join(f"{p[0]:>10}" for p in programs))
    beyond = 0
    for svg in svgs:
        ours = Image.open(svg.with_suffix(".png")).convert("RGB")
        line = f"{svg.parent.name + '/' + svg.stem:40}"
        for _, _, draw, limit in programs:
            theirs = Image.open(io.BytesIO(draw(svg, ours.size))).convert("RGB").resize(ours.size)
            apart = np.abs(np.asarray(ours, float) - np.asarray(theirs, float)).mean()
            line += f"{apart:9.2f}" + ("!" if apart > limit else " ")
            beyond += apart > limit
        print(line)
    print(f"{len(svgs)} pictures, {beyond} beyond the limit")
    return int(beyond > 0)


if __name__ == "__main__":
    sys.exit(main())
