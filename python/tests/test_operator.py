"""The Hessian as a linear operator."""

import time

import numpy as np
import pytest

import losscape

linalg = pytest.importorskip("scipy.sparse.linalg")


def test_eigsh_finds_the_certified_eigenvalues(network):
    with losscape.hessian(network, precision="f64") as operator:
        found = linalg.eigsh(operator, k=3, which="LA", return_eigenvectors=False)
        least = linalg.eigsh(operator, k=1, which="SA", return_eigenvectors=False)
    settings = dict(compute="eigenvalues", top=3, bottom=1, precision="f64", tolerance=1e-9, exact=0)
    result = losscape.sharpness(run=network, dpi=20, quiet=True, **settings)
    assert all(result.arrays["certified"])
    # Both converge to nearly the precision of the products.
    np.testing.assert_allclose(np.sort(found)[::-1], result.arrays["eigenvalues"][:3], rtol=1e-7)
    np.testing.assert_allclose(least[0], result.arrays["eigenvalues"][-1], rtol=1e-6, atol=1e-8)


def test_products_are_symmetric_linear_and_the_same_in_blocks(network):
    operator = losscape.hessian(network, precision="f64", samples=50)
    p = operator.shape[0]
    random = np.random.default_rng(1)
    block = random.normal(size=(p, 3))
    products = operator @ block
    for k in range(3):
        np.testing.assert_array_equal(operator @ block[:, k], products[:, k])
    assert abs(block[:, 0] @ products[:, 1] - block[:, 1] @ products[:, 0]) < 1e-10
    assert operator.T is operator.H or np.allclose((operator.T @ block), products)
    assert operator.theta.shape == operator.gradient.shape == (p,)
    assert operator.loss > 0
    with pytest.raises(TypeError, match="complex"):
        operator @ block[:, 0].astype(complex)
    operator.close()
    with pytest.raises(losscape.Error, match="closed"):
        operator @ block


def test_a_product_costs_less_than_a_millisecond_beside_itself():
    # One sample: what is left is the way there and back.
    losscape.train(hidden=[24], epochs=1, samples=60, dpi=20, quiet=True, out="digits")
    operator = losscape.hessian("digits", samples=1)
    vector = np.ones(operator.shape[0])
    operator @ vector
    times = []
    for _ in range(50):
        begun = time.perf_counter()
        operator @ vector
        times.append(time.perf_counter() - begun)
    # The quickest: what else the machine does costs the others time.
    assert min(times) < 1e-3


def test_what_is_refused_is_raised(network):
    with pytest.raises(losscape.Error, match="--operator") as raised:
        losscape.hessian(network, operator="hessain")
    assert raised.value.code == 2
    with pytest.raises(losscape.Error, match="--samples"):
        losscape.hessian(network, samples=100000)
