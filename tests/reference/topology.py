#!/usr/bin/env python3
"""Persistence of functions on grids as gudhi computes it: topology.json.

    pip install gudhi numpy
    python3 tests/reference/topology.py

Neighbours by faces are the vertices of a cubical complex, neighbours by corners its cells, and those of the Freudenthal
triangulation the vertices of a simplicial complex that is filtered by its lower stars.
"""

import itertools
import json
import pathlib

import gudhi
import numpy as np


def himmelblau(n):
    x = -5 + 10 * np.arange(n) / (n - 1)
    x, y = x[None, :], x[:, None]
    return (x * x + y - 11) ** 2 + (x + y * y - 7) ** 2


def simplices(values):
    """Chains of corners, each above the one before it in every coordinate, of every cell."""
    tree = gudhi.SimplexTree()
    number = np.arange(values.size).reshape(values.shape)
    for at in np.ndindex(values.shape):
        for order in itertools.permutations(range(values.ndim)):
            chain, here = [number[at]], list(at)
            for axis in order:
                here[axis] += 1
                if here[axis] == values.shape[axis]:
                    break
                chain.append(number[tuple(here)])
            tree.insert([int(i) for i in chain], filtration=float("-inf"))
    for simplex, _ in list(tree.get_simplices()):
        tree.assign_filtration(simplex, max(values.flat[i] for i in simplex))
    return tree


def bars(values, adjacency):
    values = np.where(np.isfinite(values), values, np.inf)
    complex = {
        "faces": lambda: gudhi.CubicalComplex(vertices=values),
        "corners": lambda: gudhi.CubicalComplex(top_dimensional_cells=values),
        "simplices": lambda: simplices(values),
    }[adjacency]()
    found = complex.persistence(homology_coeff_field=2, min_persistence=0)
    of = lambda k: sorted(b for d, b in found if d == k and b[1] > b[0] and np.isfinite(b[0]))
    text = lambda x: x if np.isfinite(x) else None
    return [[[b, text(d)] for b, d in of(k)] for k in (0, values.ndim - 1)]


def main():
    random = np.random.default_rng(7)
    grids = {
        "random": random.normal(size=(9, 12)).round(3),
        "ties": random.integers(0, 4, size=(11, 8)).astype(float),
        "volume": random.normal(size=(4, 6, 5)).round(3),
        "tied volume": random.integers(0, 3, size=(5, 4, 6)).astype(float),
    }
    lost = random.normal(size=(10, 10)).round(3)
    lost[random.random(size=lost.shape) < 0.15] = np.nan
    grids["lost"] = lost
    cases = []
    for name, values in {"himmelblau": himmelblau(201), **grids}.items():
        kept = None if name == "himmelblau" else [v if np.isfinite(v) else None for v in values.ravel()]
        for adjacency in ["faces", "corners", "simplices"]:
            if adjacency == "simplices" and name == "himmelblau":
                continue
            components, holes = bars(values, adjacency)
            cases.append(
                {
                    "name": name,
                    "shape": values.shape[::-1],
                    "values": kept,
                    "adjacency": adjacency,
                    "components": components,
                    "holes": holes,
                }
            )
    lines = ",\n".join(json.dumps(case) for case in cases)
    text = f'{{"gudhi": "{gudhi.__version__}", "cases": [\n{lines}\n]}}\n'
    pathlib.Path(__file__).with_suffix(".json").write_text(text)


main()
