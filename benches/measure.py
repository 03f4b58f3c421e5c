#!/usr/bin/env python3
"""Measures losscape beside another program, in turn, into benches/measured.json, and puts the figures into docs/speed.md.

    cargo bench --bench workloads --no-run                # prints the program that --ours names
    python3 benches/measure.py perceptrons --machine "an AMD EPYC (Zen 4)" --rounds 3 \\
        --ours "target/release/deps/workloads-HASH {} --threads 2" \\
        --peer "JAX=python3 peers.py {} jax --threads 2" grid-mlp hvp-mlp
    python3 benches/measure.py                            # only puts the figures that are kept into docs/speed.md

`{}` stands for the name of a workload. A program prints a line of JSON with `rate` and `unit` last, as
`cargo bench --bench workloads` does. Of the rounds the median, the lowest and the highest rate are kept. Rates mean something
as ratios of one sitting on a quiet machine, so each sitting (here `perceptrons`) is kept under its own name; workloads that
are not named again keep their figures only where machine and peer are the same.

In docs/speed.md a number in front of `<!-- benches/measured.json POINTER -->`, or of a quotient of two with ` over `, is replaced
by what is kept there, to as many significant digits as before, at most three."""
import argparse, json, os, re, statistics, subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
KEPT = os.path.join(HERE, "measured.json")
PAGE = os.path.join(HERE, os.pardir, "docs", "speed.md")


def rate(command, workload):
    done = subprocess.run(command.replace("{}", workload), shell=True, stdout=subprocess.PIPE, text=True, check=True)
    last = json.loads(done.stdout.strip().splitlines()[-1])
    print(f"{workload:<16}{last['rate']:>14,.2f} {last['unit']}  {command}", flush=True)
    return last["rate"], last["unit"]


def measured(asked):
    peer, command = asked.peer.split("=", 1)
    programs = {"losscape": asked.ours, peer: command}
    workloads = {}
    for name in asked.workloads:
        rates = {program: [] for program in programs}
        for _ in range(asked.rounds):
            for program, words in programs.items():
                found, unit = rate(words, name)
                rates[program].append(float(f"{found:.4g}"))
        figures = {p: {"median": statistics.median(r), "low": min(r), "high": max(r)} for p, r in rates.items()}
        workloads[name] = {"unit": unit, **figures}
    return {"machine": asked.machine, "peer": peer, "rounds": asked.rounds, "workloads": workloads}


def looked_up(kept, source):
    if " over " in source:
        over, under = source.split(" over ")
        return looked_up(kept, over) / looked_up(kept, under)
    for part in source.split(" ", 1)[1].strip("/").split("/"):
        kept = kept[part]
    return kept


def written(value, before):
    """As many significant digits as before, at most three; thousands apart."""
    digits = len(before.replace(" ", "").replace(".", "").lstrip("0"))
    value = float(f"{value:.{min(max(digits, 2), 3)}g}")
    if value >= 100:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:#.{min(max(digits, 2), 3)}g}".rstrip(".")


def main():
    about = argparse.ArgumentParser(description="Measures losscape beside another program.")
    about.add_argument("sitting", nargs="?", help="the name under which the figures are kept")
    about.add_argument("workloads", nargs="*")
    about.add_argument("--machine", help="the processor and its cores, in words")
    about.add_argument("--rounds", type=int, default=3)
    about.add_argument("--ours", help="the command of losscape's workloads")
    about.add_argument("--peer", help="NAME=COMMAND of the other program")
    asked = about.parse_args()
    with open(KEPT) as file:
        kept = json.load(file)
    if asked.sitting:
        if not (asked.workloads and asked.machine and asked.ours and "=" in (asked.peer or "")):
            about.error("a sitting needs workloads, --machine, --ours and --peer NAME=COMMAND")
        new, old = measured(asked), kept.get(asked.sitting)
        if old and (old["machine"], old["peer"]) == (new["machine"], new["peer"]):
            new["workloads"] = {**old["workloads"], **new["workloads"]}
        kept[asked.sitting] = new
        with open(KEPT, "w") as file:
            json.dump(kept, file, indent=2)
            file.write("\n")
    with open(PAGE) as file:
        page = file.read()
    stated = re.compile(r"(?<![\d.])(\d{1,3}(?: \d{3})+|\d+(?:\.\d+)?)(<!-- (benches/measured\.json .*?) -->)")
    page = stated.sub(lambda m: written(looked_up(kept, m[3]), m[1]) + m[2], page)
    with open(PAGE, "w") as file:
        file.write(page)


if __name__ == "__main__":
    main()
