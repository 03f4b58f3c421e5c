#!/usr/bin/env python3
"""Runs docs/your-own-model.md: its Python programs are written, its commands are run in order, in a folder of their own.

    python page.py [LOSSCAPE] [FOLDER]      (pip: torch numpy)

LOSSCAPE is the program, by default the one on the path. Says how long each command took; fails with the first that does."""
import os, re, subprocess, sys, tempfile, time

page = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/your-own-model.md")
program = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else "losscape"
folder = sys.argv[2] if len(sys.argv) > 2 else tempfile.mkdtemp()
os.makedirs(folder, exist_ok=True)

for language, text in re.findall(r"^```(\w+)\n(.*?)^```$", open(page).read(), re.M | re.S):
    if language == "python" and (name := re.match(r"# (\w+\.py)\n", text)):
        open(os.path.join(folder, name[1]), "w").write(text)
    for command in text.splitlines() if language == "sh" else []:
        line = re.sub(r"^python\b", sys.executable, re.sub(r"^losscape\b", program, command))
        begun = time.time()
        if subprocess.run(line, shell=True, cwd=folder).returncode: sys.exit(f"failed: {command}")
        print(f"{time.time() - begun:.1f} s: {command}", flush=True)
print(f"the page runs; its files are in {folder}")
