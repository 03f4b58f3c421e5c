"""Products with the Hessian until its largest eigenvalue is known to a thousandth: losscape's certified Lanczos beside power
iteration, ARPACK (SciPy's eigsh) and LOBPCG, on networks that are small enough for the dense matrix, whose eigenvalues say what
the true error is. Run by hand: it needs SciPy, the program as LOSSCAPE_BINARY, and run directories.

    python tests/speed/eigenvalues.py runs/a runs/b
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from scipy.sparse.linalg import LinearOperator, eigsh, lobpcg

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python"))
import losscape

WANTED = 1e-3  # the relative error of what is compared
PROGRAM = os.environ.get("LOSSCAPE_BINARY", "losscape")


def dense(run):
    """The Hessian over all training samples."""
    operator = losscape.hessian(run)
    n = operator.shape[0]
    matrix = np.concatenate([operator.matmat(np.eye(n)[:, i : i + 64]) for i in range(0, n, 64)], axis=1)
    return (matrix + matrix.T) / 2


class Counted:
    """Products with a matrix, and how many there were."""

    def __init__(self, matrix):
        self.matrix, self.products = matrix, 0

    def __call__(self, x):
        self.products += 1 if x.ndim == 1 else x.shape[1]
        return self.matrix @ x

    def operator(self):
        return LinearOperator(self.matrix.shape, matvec=self, matmat=self, dtype=float)


def power(matrix, exact, rng):
    """Plain power iteration, stopped by an oracle where its value is near enough: the fewest that it can take."""
    x = rng.standard_normal(len(matrix))
    for products in range(1, 20001):
        x /= np.linalg.norm(x)
        product = matrix @ x
        if abs(x @ product - exact) <= WANTED * abs(exact):
            return products
        x = product
    return None


def loosest(solve, exact):
    """The products of the loosest tolerance whose answer is near enough, which only an oracle knows, and of its default."""
    found = []
    for tolerance in [1e-1, 1e-2, 1e-3, 1e-4, 1e-6, None]:
        value, products = solve(tolerance)
        near = value is not None and abs(value - exact) <= WANTED * abs(exact)
        found.append((products, near))
    fine = [products for products, near in found if near]
    return min(fine, default=None), found[-1][0] if found[-1][1] else None


def arpack(matrix, exact, rng):
    start = rng.standard_normal(len(matrix))

    def solve(tolerance):
        counted = Counted(matrix)
        values = eigsh(counted.operator(), k=1, which="LA", v0=start, tol=tolerance or 0, return_eigenvectors=False)
        return values[0], counted.products

    return loosest(solve, exact)


def by_lobpcg(matrix, exact, rng):
    start = rng.standard_normal((len(matrix), 1))

    def solve(tolerance):
        counted = Counted(matrix)
        values, _ = lobpcg(counted.operator(), start.copy(), tol=tolerance and tolerance * abs(exact), maxiter=2000)
        return values[0], counted.products

    return loosest(solve, exact)


def ours(run, exact, *settings):
    """A certified answer: its products, and those of the recurrence alone."""
    with tempfile.TemporaryDirectory() as out:
        command = [PROGRAM, "sharpness", "--run", run, "--compute", "eigenvalues", "--exact", "0", "--columns", "raw"]
        command += [*settings, "--out", out, "--json", "--quiet"]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = json.loads(said)["lambda_max"]
    assert found["certified"] and abs(found["value"] - exact) <= WANTED * abs(exact), found
    return found["products"]


def main():
    import warnings

    warnings.filterwarnings("ignore")
    columns = ["run", "n", "lambda_max", "ours, one end", "both ends", "10 + 1", "power", "eigsh", "default", "LOBPCG", "default"]
    print(" | ".join(columns))
    for run in sys.argv[1:]:
        matrix = dense(run)
        values = np.linalg.eigvalsh(matrix)
        exact = values[-1]
        rng = np.random.default_rng(0)
        row = [Path(run).name, len(matrix), f"{exact:.4g}"]
        row += [ours(run, exact, "--top", "1", "--bottom", "0"), ours(run, exact, "--top", "1", "--bottom", "1")]
        row += [ours(run, exact, "--top", "10", "--bottom", "1"), power(matrix, exact, rng)]
        row += [*arpack(matrix, exact, rng), *by_lobpcg(matrix, exact, rng)]
        print(" | ".join(str(x) for x in row), flush=True)


if __name__ == "__main__":
    main()
