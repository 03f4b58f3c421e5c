"""Figures of networks made by JAX, to compare with: every norm's output and gradient, and the loss and gradient of small
networks and of ResNet-20 at one theta. Run as `python networks.py > networks.json`.

theta, data and labels are made by `numbers`, an integer recurrence that the tests repeat, so that nothing large needs to
be stored. Of each parameter's gradient the file holds its norm, its products with two such vectors, and its first numbers.
"""
import json, sys
import jax, jax.numpy as jnp, numpy as np

jax.config.update("jax_enable_x64", True)


def numbers(seed, n):
    """n numbers in [-1, 1): the high bits of a 64-bit congruential generator (Knuth's MMIX constants)."""
    out, x = np.empty(n), (seed * 0x9E3779B97F4A7C15 + 1) % 2**64
    for i in range(n):
        x = (x * 6364136223846793005 + 1442695040888963407) % 2**64
        out[i] = (x >> 11) / 2.0**52 - 1.0
    return out


class Net:
    """Parameters by name, in order of first use, with PyTorch's names and shapes. NCHW throughout."""

    def __init__(self, seed):
        self.seed, self.shapes, self.theta = seed, {}, None

    def get(self, name, shape, kind):
        if self.theta is not None:
            return self.theta[name]
        self.shapes[name] = (tuple(shape), kind)
        return jnp.zeros(shape)

    def start(self):
        """Weights of He's size, scales around 1, shifts and biases around 0."""
        theta = {}
        for i, (name, (shape, kind)) in enumerate(self.shapes.items()):
            v = numbers(self.seed + i, int(np.prod(shape))).reshape(shape)
            fan_in = int(np.prod(shape[1:]))
            theta[name] = jnp.asarray({
                "weight": v * (6 / fan_in) ** 0.5, "scale": 1 + 0.2 * v, "shift": 0.1 * v, "mix": 0.5 * v,
            }[kind])
        return theta


def conv(net, name, x, cout, k=3, stride=1, pad=1, groups=1, bias=False):
    w = net.get(name + ".weight", (cout, x.shape[1] // groups, k, k), "weight")
    y = jax.lax.conv_general_dilated(x, w, (stride, stride), [(pad, pad)] * 2, feature_group_count=groups,
                                     dimension_numbers=("NCHW", "OIHW", "NCHW"), precision="highest")
    return y + net.get(name + ".bias", (cout,), "shift")[None, :, None, None] if bias else y


def dense(net, name, x, cout, bias=True):
    w = net.get(name + ".weight", (cout, x.shape[1]), "weight")
    y = x @ w.T
    return y + net.get(name + ".bias", (cout,), "shift") if bias else y


def affine(net, name, x):
    c = x.shape[1]
    shape = (1, c) + (1,) * (x.ndim - 2)
    return x * net.get(name + ".weight", (c,), "scale").reshape(shape) + net.get(name + ".bias", (c,), "shift").reshape(shape)


def standard(x, axes, eps=1e-5):
    return (x - x.mean(axes, keepdims=True)) / jnp.sqrt(x.var(axes, keepdims=True) + eps)


def norm(kind, net, name, x):
    space = tuple(range(2, x.ndim))
    if kind == "switchable":
        axes = ([space] if space else []) + [(1,) + space, (0,) + space]
        w, v = (jax.nn.softmax(net.get(f"{name}.{n}_weight", (len(axes),), "mix")) for n in ("mean", "var"))
        mean = sum(a * x.mean(ax, keepdims=True) for a, ax in zip(w, axes))
        var = sum(a * x.var(ax, keepdims=True) for a, ax in zip(v, axes))
        return affine(net, name, (x - mean) / jnp.sqrt(var + 1e-5))
    if kind == "group":
        n, c = x.shape[:2]
        y = standard(x.reshape((n, 4, c // 4) + x.shape[2:]), tuple(range(2, x.ndim + 1)))
        return affine(net, name, y.reshape(x.shape))
    axes = {"batch": (0,) + space, "layer": (1,) + space, "instance": space}[kind]
    return affine(net, name, standard(x, axes))


def pool(x):
    return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")


def small_cnn(kind):
    """cnn:channels=[8,12],hidden=[9] with a norm after each layer."""
    def f(net, x):
        for i, c in zip((0, 4), (8, 12)):
            x = pool(jnp.tanh(norm(kind, net, str(i + 1), conv(net, str(i), x, c))))
        x = x.reshape(x.shape[0], -1)
        return dense(net, "9", x, 10)
    return f


def mlp(kind):
    """mlp:hidden=[12,8],activation=tanh with a norm after each hidden layer."""
    def f(net, x):
        for i, c in zip((0, 3), (12, 8)):
            x = jnp.tanh(norm(kind, net, str(i + 1), dense(net, str(i), x, c)))
        return dense(net, "6", x, 10)
    return f


def reparametrised(kind):
    """mlp:hidden=[12],activation=tanh with weight or spectral norm."""
    def f(net, x):
        if kind == "weight":
            g = net.get("0.weight_g", (12, 1), "scale")
            v = net.get("0.weight_v", (12, x.shape[1]), "weight")
            w = g * v / jnp.linalg.norm(v, axis=1, keepdims=True)
        else:
            v = net.get("0.weight_orig", (12, x.shape[1]), "weight")
            w = v / jnp.linalg.svd(v, compute_uv=False)[0]
        x = jnp.tanh(x @ w.T + net.get("0.bias", (12,), "shift"))
        return dense(net, "2", x, 10)
    return f


def resnet(depth, projection, skip=True):
    """He et al. 2016 on small images, batch statistics over all samples at hand."""
    def f(net, x):
        x = jax.nn.relu(norm("batch", net, "stem.norm", conv(net, "stem.conv", x, 16)))
        blocks = (depth - 2) // 6
        for i in range(3 * blocks):
            c, stride = 16 << (i // blocks), 2 if i % blocks == 0 and i else 1
            b = f"blocks.{i}"
            y = jax.nn.relu(norm("batch", net, b + ".norm1", conv(net, b + ".conv1", x, c, stride=stride)))
            y = norm("batch", net, b + ".norm2", conv(net, b + ".conv2", y, c))
            if not skip:
                x = 0
            elif stride == 2 and projection:
                s = conv(net, b + ".shortcut.conv", x, c, k=1, stride=2, pad=0)
                x = norm("batch", net, b + ".shortcut.norm", s)
            elif stride == 2:
                x = jnp.pad(x[:, :, ::2, ::2], ((0, 0), (0, c - x.shape[1]), (0, 0), (0, 0)))
            x = jax.nn.relu(x + y)
        return dense(net, "classifier", x.mean((2, 3)), 10)
    return f


def case(name, model, f, shape, samples, seed):
    net = Net(seed)
    x = jnp.asarray(numbers(seed + 1000, samples * int(np.prod(shape))).reshape((samples,) + shape)) * 1.7
    y = jnp.arange(samples) * 7 % 10
    f(net, x)
    theta = net.start()

    def loss(theta):
        net.theta = theta
        z = f(net, x)
        return jnp.mean(jax.nn.logsumexp(z, axis=1) - z[jnp.arange(samples), y]), z

    (value, z), gradient = jax.value_and_grad(loss, has_aux=True)(theta)
    # A directional second derivative: the product with one vector, forward over reverse.
    v = {k: jnp.asarray(numbers(seed + 2000 + i, t.size).reshape(t.shape)) for i, (k, t) in enumerate(theta.items())}
    # (Not under spectral norm, whose singular vectors a product takes as constants, nor of large networks.)
    small = len(theta) < 40 and "spectral" not in name
    product = jax.jvp(jax.grad(lambda t: loss(t)[0]), (theta,), (v,))[1] if small else {}

    def digest(tree):
        out = {}
        # (JAX sorts the keys of what it returns.)
        for i, (k, g) in enumerate((k, tree[k]) for k in theta if k in tree):
            g = np.asarray(g).ravel()
            a, b = numbers(seed + 3000 + i, g.size), numbers(seed + 4000 + i, g.size)
            out[k] = [float(np.linalg.norm(g)), float(a @ g), float(b @ g), float(g[0])]
        return out

    return dict(name=name, model=model, shape=list(shape), samples=samples, seed=seed,
                parameters=int(sum(t.size for t in theta.values())),
                kinds=[[k, kind] for k, (_, kind) in net.shapes.items()],
                loss=float(value), outputs=[float(o) for o in np.asarray(z)[0]],
                gradient=digest(gradient), product=digest(product))


cases = []
for kind in ("batch", "layer", "instance", "group", "switchable"):
    model = f"cnn:channels=[8,12],activation=tanh,norm={kind}"
    cases.append(case(f"cnn {kind}", model, small_cnn(kind), (3, 8, 8), 6, 100))
for kind in ("batch", "layer", "group", "switchable"):
    cases.append(case(f"mlp {kind}", f"mlp:hidden=[12,8],activation=tanh,norm={kind}", mlp(kind), (7,), 9, 200))
for kind in ("weight", "spectral"):
    cases.append(case(f"mlp {kind}", f"mlp:hidden=[12],activation=tanh,norm={kind}", reparametrised(kind), (7,), 9, 300))
cases.append(case("resnet-8 plain", "resnet:depth=8,skip=false", resnet(8, True, False), (3, 32, 32), 4, 400))
cases.append(case("resnet-20 B", "resnet:depth=20", resnet(20, True), (3, 32, 32), 8, 500))
cases.append(case("resnet-20 A", "resnet:depth=20,projection=false", resnet(20, False), (3, 32, 32), 8, 600))
json.dump(dict(made_by=f"networks.py, jax {jax.__version__}, numpy {np.__version__}", cases=cases), sys.stdout, indent=1)
