#!/usr/bin/env python3
"""Counts the instructions of seven small workloads and compares them with those kept in instructions.json.

    cargo build --release
    python3 tests/speed/instructions.py target/release/losscape             compares; exits 1 where one is off by more than 3 %
    python3 tests/speed/instructions.py target/release/losscape --update    writes the figures anew

Needs Python 3 and valgrind, x86-64 and no quiet machine: `valgrind --tool=callgrind` counts what is executed, not how long it
takes: two runs differ by about 1 % at most, also where other programs run beside them. It takes one to five minutes.

What a count says and what it does not:
- The processor that valgrind presents has AVX2 and FMA where the machine has them, but neither AVX-512 nor the SHA
  instructions: kernels for AVX2 run, and digests are computed by the portable code, whose share is larger than in a run of
  one's own. A change of code for AVX-512 alone is not seen here.
- Waiting for memory does not count. What is slower by its pattern of access, or gains by more threads, is judged by
  `cargo bench --bench workloads`.
- A figure depends on the compiler and on the C library. After an update of either, or a change that is meant to change the
  work, write the figures anew and say why in the commit.
- A count that is lower by more than 3 % fails, too, so that the next rise is measured from the new figure."""
import argparse, json, os, platform, re, shutil, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
FIGURES = os.path.join(HERE, "instructions.json")
EXPORTED = os.path.join(HERE, os.pardir, "exported")
MOST = 0.03

# Name and command, in this order: later ones read what earlier ones wrote. Pictures are vectors, as pixels would be most of
# the work; `plot` alone draws pixels.
WORKLOADS = [
    ("train-mlp", "train --data digits --model mlp:hidden=[64,64] --epochs 10 --format svg --out a"),
    ("train-cnn", "train --data digits --model cnn:channels=[8,8] --epochs 1 --format svg --out cnn"),
    ("slice", "slice --run a --x=-1:1:11 --y=-1:1:11 --format svg --out slice"),
    ("sharpness", "sharpness --run a --samples 100 --compute eigenvalues,trace --format svg --out sharpness"),
    ("connect", "connect --from tiny-0 --to tiny-1 --points 11 --plane 5 --format svg --out connect"),
    ("slice-exported", "slice --run encoder.pt2 --data npz:file=encoder.npz --line --x=-1:1:1001 --format svg --out exported"),
    ("plot", "plot exported --format png"),
]

# The ends of the path. They are trained under valgrind as well, so that they have the same bytes on every x86-64 processor.
BEFORE = [
    f"train --data spirals --model mlp:hidden=[16] --epochs 3 --seed {seed} --format svg --out tiny-{seed}" for seed in (0, 1)
]


def stop(message):
    sys.exit(f"instructions.py: {message}")


def ran(words, desk):
    """Runs a program in the directory; returns what it said on standard error."""
    done = subprocess.run(words, cwd=desk, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        stop(f"`{' '.join(words)}` ended with {done.returncode}:\n{done.stderr}")
    return done.stderr


def counted(program, words, desk):
    """Instructions of one command, of all its threads."""
    said = ran(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, *words.split(), "--threads", "1", "--quiet"],
        desk,
    )
    found = re.search(r"I\s+refs:\s+([\d,]+)", said)
    return int(found[1].replace(",", "")) if found else stop(f"valgrind printed no count:\n{said}")


def main():
    about = argparse.ArgumentParser(description="Counts the instructions of seven small workloads.")
    about.add_argument("program", help="an optimised losscape: target/release/losscape")
    about.add_argument("--update", action="store_true", help="write the figures anew")
    asked = about.parse_args()
    program = os.path.abspath(asked.program)
    if not os.access(program, os.X_OK) or os.path.isdir(program):
        stop(f"{asked.program}: expected a program")
    if not shutil.which("valgrind"):
        stop("expected valgrind on the path (Debian: apt install valgrind)")
    if platform.machine() != "x86_64":
        stop(f"the figures are those of x86-64; this machine is {platform.machine()}")
    said = subprocess.run([program, "--version"], capture_output=True, text=True).stdout.split()
    if said[:1] != ["losscape"]:
        stop(f"{asked.program}: expected losscape")
    version = said[-1]
    kept = {}
    if not asked.update:
        if not os.path.exists(FIGURES):
            stop("instructions.json is not there: --update writes it")
        with open(FIGURES) as file:
            kept = json.load(file)

    found, off = {}, []
    print(f"{'workload':<16}{'instructions':>16}{'kept':>16}{'change':>10}")
    with tempfile.TemporaryDirectory() as desk:
        for name in ("encoder.pt2", "encoder.npz"):
            shutil.copy(os.path.join(EXPORTED, name), desk)
        for words in BEFORE:
            counted(program, words, desk)
        for name, words in WORKLOADS:
            count = counted(program, words, desk)
            found[name] = {"instructions": count, "version": version}
            line = f"{name:<16}{count:>16,}"
            if name in kept:
                before = kept[name]["instructions"]
                change = count / before - 1
                line += f"{before:>16,}{change:>+10.2%}"
                if abs(change) > MOST:
                    off.append(name)
                    line += f"  more than {MOST:.0%} from that of version {kept[name]['version']}"
            elif not asked.update:
                off.append(name)
                line += "  not in instructions.json"
            print(line, flush=True)
    if asked.update:
        with open(FIGURES, "w") as file:
            json.dump(found, file, indent=2)
            file.write("\n")
        print(f"wrote {os.path.relpath(FIGURES)}")
    elif off:
        sys.exit(1)


if __name__ == "__main__":
    main()
