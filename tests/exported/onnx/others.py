# Networks of scikit-learn (1.9, skl2onnx 1.20), Keras (3.15, tf2onnx 1.17) and Flax (0.12, jax2onnx) as ONNX: each of
# `others.py sklearn`, `others.py keras` and `others.py jax` where that is installed, then `others.py numbers` with torch,
# which computes at the same weights and in double precision the loss, |g|, and g.v, v.Hv, |Hv| along v_i = sin(i + 1) over all
# parameters in the order of the file.
import json, sys
import numpy as np

rng = np.random.default_rng(0)
what = sys.argv[1]
if what == "sklearn":
    import warnings
    from skl2onnx import to_onnx
    from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    warnings.filterwarnings("ignore")
    x, y = load_iris(return_X_y=True)
    x = x[::9].astype("f4")
    m = MLPClassifier((6, 5), max_iter=30, random_state=0).fit(x, y[::9])
    open("classes.onnx", "wb").write(to_onnx(m, x[:1]).SerializeToString())
    np.savez("classes.npz", X=x, y=y[::9])
    x, y = load_breast_cancer(return_X_y=True)
    x = x[::40, :5].astype("f4")
    m = make_pipeline(StandardScaler(), MLPClassifier((4,), max_iter=30, random_state=0)).fit(x, y[::40])
    open("answers.onnx", "wb").write(to_onnx(m, x[:1], options={"zipmap": False}).SerializeToString())
    np.savez("answers.npz", X=x, y=y[::40])
    x, y = load_diabetes(return_X_y=True)
    m = MLPRegressor(hidden_layer_sizes=(4,), activation="tanh", max_iter=30, random_state=0).fit(x[::30], y[::30] / 100)
    open("values.onnx", "wb").write(to_onnx(m, x[:1]).SerializeToString())
    np.savez("values.npz", X=x[::30], y=y[::30, None] / 100)
if what == "keras":
    import keras
    from keras import layers as l

    keras.utils.set_random_seed(0)
    m = keras.Sequential([
        l.Input((6, 6, 2)), l.Conv2D(3, 3, padding="same", strides=2), l.ReLU(), l.AveragePooling2D(2, 1, padding="same"),
        l.Flatten(), l.Dense(4, activation="elu"), l.Dense(3, activation="softmax")])
    m(np.zeros((1, 6, 6, 2), "f"))
    # A bias of zeros would be left out.
    m.set_weights([w + rng.normal(size=w.shape) * 0.1 for w in m.get_weights()])
    m.export("keras.onnx", format="onnx", verbose=False)
    np.savez("keras.npz", keras_tensor=rng.normal(size=(10, 6, 6, 2)).astype("f4"), y=rng.integers(0, 3, 10))
if what == "jax":
    import onnx
    from flax import nnx
    from jax2onnx import to_onnx

    class Net(nnx.Module):
        def __init__(self, rngs):
            self.a, self.n, self.b = nnx.Linear(5, 6, rngs=rngs), nnx.LayerNorm(6, rngs=rngs), nnx.Linear(6, 3, rngs=rngs)

        def __call__(self, x):
            return self.b(nnx.gelu(self.n(self.a(x))))

    onnx.save(to_onnx(Net(nnx.Rngs(0)), [("B", 5)]), "flax.onnx")
    # The same with a batch of one, as model zoos have them.
    m = onnx.load("flax.onnx")
    for value in [*m.graph.input, *m.graph.output, *m.graph.value_info]:
        for d in value.type.tensor_type.shape.dim:
            if d.dim_param:
                d.ClearField("dim_param")
                d.dim_value = 1
    onnx.save(m, "one.onnx")
    np.savez("flax.npz", in_0=rng.normal(size=(10, 5)).astype("f4"), y=rng.normal(size=(10, 3)))
if what == "numbers":
    import onnx, torch, torch.nn.functional as F

    def scaler(x, m):
        node = next(n for n in m.graph.node if n.op_type == "Scaler")
        a = {a.name: torch.tensor(list(a.floats), dtype=torch.float64) for a in node.attribute}
        return (x - a["offset"]) * a["scale"]

    def conv(x, w):
        h = F.relu(F.conv2d(F.pad(x.permute(0, 3, 1, 2), (0, 1, 0, 1)), w["k"], w["kb"], stride=2))
        h = F.avg_pool2d(F.pad(h, (0, 1, 0, 1)), 2, 1) / F.avg_pool2d(F.pad(torch.ones_like(h), (0, 1, 0, 1)), 2, 1)
        return F.elu(h.permute(0, 2, 3, 1).flatten(1) @ w["a"] + w["ab"]) @ w["b"] + w["bb"]

    def dense(x, w, f):
        for i in range(len(w) // 2):
            x = (f(x) if i else x) @ w[2 * i] + w[2 * i + 1]
        return x

    def flax(x, w):
        h = F.gelu(F.layer_norm(x @ w[0] + w[1], (6,), w[2], w[3], 1e-6), approximate="tanh")
        return h @ w[4] + w[5]

    for name in ("classes", "answers", "values", "keras", "flax"):
        m = onnx.load(f"{name}.onnx")
        initial = {i.name: torch.tensor(onnx.numpy_helper.to_array(i).astype("f8")) for i in m.graph.initializer}
        keys = [k for k, v in initial.items() if m.graph.initializer[list(initial).index(k)].data_type in (1, 11) and v.ndim]
        w = [initial[k].requires_grad_() for k in keys]
        data = np.load(f"{name}.npz")
        x = torch.tensor(data[m.graph.input[0].name].astype("f8"))
        y = torch.tensor(data["y"])
        if name == "classes":
            loss = F.cross_entropy(dense(x, w, F.relu), y)
        elif name == "answers":
            loss = F.binary_cross_entropy_with_logits(dense(scaler(x, m), w, F.relu)[:, 0], y.double())
        elif name == "values":
            loss = F.mse_loss(dense(x, w, torch.tanh), y)
        elif name == "flax":
            loss = F.mse_loss(flax(x, w), y)
        else:
            nodes = [n for n in m.graph.node if n.op_type in ("Conv", "MatMul", "Add")]
            named = dict(zip(keys, w))
            k, a, ab, b, bb = nodes
            loss = F.cross_entropy(conv(x, dict(
                k=named[k.input[1]], kb=named[k.input[2]], a=named[a.input[1]], ab=named[ab.input[1]],
                b=named[b.input[1]], bb=named[bb.input[1]])), y)
        g = torch.cat([t.flatten() for t in torch.autograd.grad(loss, w, create_graph=True)])
        v = torch.sin(torch.arange(1, len(g) + 1, dtype=torch.float64))
        hv = torch.cat([t.flatten() for t in torch.autograd.grad(g @ v, w)])
        numbers = dict(torch=torch.__version__, parameters=len(g), loss=loss.item(), gradient_norm=g.norm().item(),
                       gv=(g @ v).item(), vhv=(hv @ v).item(), hv_norm=hv.norm().item())
        json.dump(numbers, open(f"{name}.json", "w"))
        print(name, numbers)
