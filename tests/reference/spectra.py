"""Spectra of trained networks made by JAX, to compare with: of the Hessian and of the generalised Gauss-Newton matrix of
the mean cross-entropy over the 1297 training digits, in double precision. Made so (any version of losscape will do, as
long as its weights are those that lie beside this file):

    losscape train --precision f64 --model mlp:hidden=[16],activation=tanh --epochs 40 --seed 3 --out runs/tanh
    losscape train --precision f64 --model mlp:hidden=[16,12] --epochs 40 --seed 4 --out runs/relu
    losscape data digits --out digits
    cp runs/tanh/weights.safetensors spectra-tanh.safetensors
    cp runs/relu/weights.safetensors spectra-relu.safetensors
    python spectra.py digits/data.npz > spectra.json

The matrices are dense: products with all columns of the identity, symmetrised. The file holds, of each, all eigenvalues
(numpy's eigvalsh, ascending), trace, Frobenius norm, and the moments v' A^k v, k = 0 to 6, of three probes
v_i = sin(c (i + 1)) over the parameters in their order, divided by their length.
"""
import json, sys
import jax, jax.numpy as jnp, numpy as np

jax.config.update("jax_enable_x64", True)

PROBES = [0.7, 1.3, 2.9]
MOMENTS = 6
CASES = [("tanh", jnp.tanh), ("relu", jax.nn.relu)]


def safetensors(path):
    """Tensors by name: 8 bytes with the length of a JSON header, the header, the numbers."""
    raw = open(path, "rb").read()
    n = int.from_bytes(raw[:8], "little")
    header, body = json.loads(raw[8:8 + n]), raw[8 + n:]
    header.pop("__metadata__", None)
    def tensor(entry):
        assert entry["dtype"] == "F64", entry
        start, end = entry["data_offsets"]
        return np.frombuffer(body[start:end], "<f8").reshape(entry["shape"])
    return {name: tensor(entry) for name, entry in header.items()}


def in_order(tensors):
    """Layer by layer, weight before bias, as the network lays its parameters out."""
    return sorted(tensors, key=lambda name: (int(name.split(".")[0]), not name.endswith("weight")))


def matrices(tensors, activation, x, y):
    names = in_order(tensors)
    shapes = [tensors[n].shape for n in names]
    cuts = np.cumsum([tensors[n].size for n in names])[:-1]
    theta = jnp.concatenate([tensors[n].ravel() for n in names])

    def outputs(theta):
        parts = [t.reshape(s) for t, s in zip(jnp.split(theta, cuts), shapes)]
        z = x
        for i in range(0, len(parts), 2):
            z = z @ parts[i].T + parts[i + 1]
            z = activation(z) if i + 2 < len(parts) else z
        return z

    def losses(z):
        return jnp.mean(jax.nn.logsumexp(z, axis=1) - z[jnp.arange(len(y)), y])

    loss = lambda theta: losses(outputs(theta))
    hessian = jax.jit(jax.vmap(lambda v: jax.jvp(jax.grad(loss), (theta,), (v,))[1]))

    def gauss_newton(v):
        z, jv = jax.jvp(outputs, (theta,), (v,))
        hjv = jax.jvp(jax.grad(losses), (z,), (jv,))[1]
        return jax.vjp(outputs, theta)[1](hjv)[0]

    gauss_newton = jax.jit(jax.vmap(gauss_newton))
    p = theta.size

    def dense(products):
        a = np.concatenate([np.asarray(products(jnp.eye(p)[i:i + 64])) for i in range(0, p, 64)])
        assert np.abs(a - a.T).max() <= 1e-13 * np.abs(a).max()
        return (a + a.T) / 2

    return names, float(loss(theta)), dict(hessian=dense(hessian), gauss_newton=dense(gauss_newton))


def digits(numbers):
    """12 significant digits: more than the comparison asks for."""
    return [float(f"{v:.12g}") for v in numbers]


def figures(a):
    p = len(a)
    moments = []
    for c in PROBES:
        v = np.sin(c * np.arange(1, p + 1))
        v /= np.linalg.norm(v)
        w, own = v, []
        for _ in range(MOMENTS + 1):
            own.append(float(v @ w))
            w = a @ w
        moments.append(digits(own))
    return dict(eigenvalues=digits(np.linalg.eigvalsh(a)), trace=float(np.trace(a)),
                frobenius=float(np.linalg.norm(a)), moments=moments)


data = np.load(sys.argv[1])
x, y = jnp.asarray(data["train_x"].reshape(len(data["train_x"]), -1)), jnp.asarray(data["train_y"])
cases = []
for name, activation in CASES:
    names, loss, both = matrices(safetensors(f"spectra-{name}.safetensors"), activation, x, y)
    cases.append(dict(name=name, parameters=names, samples=len(y), loss=loss,
                      **{kind: figures(a) for kind, a in both.items()}))
json.dump(dict(made_by=f"spectra.py, jax {jax.__version__}, numpy {np.__version__}", probes=PROBES, cases=cases),
          sys.stdout, separators=(",", ":"))
print()
