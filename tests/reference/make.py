"""Makes the figures beside this file: what PyTorch (and optax, for Lion) give in double precision.

    pip install torch optax        (versions are recorded in each file)
    python make.py                 (writes optimizers.json, schedules.json, activations.json)

Nothing is random: the problem, the points and the settings stand below.
"""

import json
import math
import pathlib
import warnings

import jax
import jax.numpy as jnp
import optax
import torch
from torch.nn import functional as F
from torch.optim import lr_scheduler

warnings.filterwarnings("ignore")
jax.config.update("jax_enable_x64", True)
torch.set_default_dtype(torch.float64)
VERSIONS = {"torch": torch.__version__, "optax": optax.__version__, "jax": jax.__version__}

# f(theta) = 1/2 sum a_i (theta_i - b_i)^2 + 0.1 sum sin(3 theta_i) theta_(i+1), indices modulo 4.
START = [1.0, -0.7, 0.4, 2.0]
A = [1.0, 3.0, 0.5, 8.0]
B = [0.3, 0.2, -1.0, 0.5]
STEPS = 20


def problem(theta, xp, roll):
    a, b = xp(A), xp(B)
    return 0.5 * (a * (theta - b) ** 2).sum() + 0.1 * (roll["sin"](3.0 * theta) * roll["next"](theta)).sum()


def with_torch(optimizer, **settings):
    theta = torch.tensor(START, requires_grad=True)
    stepper = getattr(torch.optim, optimizer)([theta], **settings)
    roll = {"sin": torch.sin, "next": lambda t: torch.roll(t, -1)}
    path = []
    for _ in range(STEPS):
        stepper.zero_grad()
        problem(theta, torch.tensor, roll).backward()
        stepper.step()
        path.append(theta.detach().tolist())
    return path


def with_optax(transform):
    theta = jnp.array(START)
    state = transform.init(theta)
    roll = {"sin": jnp.sin, "next": lambda t: jnp.roll(t, -1)}
    gradient = jax.grad(lambda t: problem(t, jnp.array, roll))
    path = []
    for _ in range(STEPS):
        updates, state = transform.update(gradient(theta), state, theta)
        theta = optax.apply_updates(theta, updates)
        path.append(theta.tolist())
    return path


def optimizers():
    cases = [
        ("gd", 0.05, with_torch("SGD", lr=0.05)),
        ("gd:weight-decay=0.1", 0.05, with_torch("SGD", lr=0.05, weight_decay=0.1)),
        ("sgd", 0.05, with_torch("SGD", lr=0.05, momentum=0.9)),
        (
            "sgd:momentum=0.8,nesterov=true,weight-decay=0.1",
            0.05,
            with_torch("SGD", lr=0.05, momentum=0.8, nesterov=True, weight_decay=0.1),
        ),
        ("heavy-ball:momentum=0.95", 0.02, with_torch("SGD", lr=0.02, momentum=0.95)),
        ("nesterov", 0.05, with_torch("SGD", lr=0.05, momentum=0.9, nesterov=True)),
        ("adagrad", 0.1, with_torch("Adagrad", lr=0.1)),
        ("adagrad:eps=0.001,weight-decay=0.1", 0.1, with_torch("Adagrad", lr=0.1, eps=1e-3, weight_decay=0.1)),
        ("adadelta", 1.0, with_torch("Adadelta")),
        (
            "adadelta:rho=0.95,eps=0.001,weight-decay=0.1",
            0.5,
            with_torch("Adadelta", lr=0.5, rho=0.95, eps=1e-3, weight_decay=0.1),
        ),
        ("rmsprop", 0.01, with_torch("RMSprop")),
        ("rmsprop:alpha=0.9,weight-decay=0.1", 0.02, with_torch("RMSprop", lr=0.02, alpha=0.9, weight_decay=0.1)),
        ("rmsprop:momentum=0.9", 0.01, with_torch("RMSprop", momentum=0.9)),
        ("rmsprop:centered=true", 0.01, with_torch("RMSprop", centered=True)),
        (
            "rmsprop:centered=true,momentum=0.5",
            0.01,
            with_torch("RMSprop", centered=True, momentum=0.5),
        ),
        ("adam", 0.1, with_torch("Adam", lr=0.1)),
        (
            "adam:beta1=0.8,beta2=0.9,eps=0.001,weight-decay=0.1",
            0.1,
            with_torch("Adam", lr=0.1, betas=(0.8, 0.9), eps=1e-3, weight_decay=0.1),
        ),
        ("adamw", 0.1, with_torch("AdamW", lr=0.1)),
        ("nadam", 0.1, with_torch("NAdam", lr=0.1)),
        (
            "nadam:momentum-decay=0.5,weight-decay=0.1",
            0.1,
            with_torch("NAdam", lr=0.1, momentum_decay=0.5, weight_decay=0.1),
        ),
        ("amsgrad:beta2=0.5", 0.1, with_torch("Adam", lr=0.1, betas=(0.9, 0.5), amsgrad=True)),
        ("lion", 0.1, with_optax(optax.lion(0.1, b1=0.9, b2=0.99, weight_decay=0.0))),
        ("lion:weight-decay=0.1", 0.1, with_optax(optax.lion(0.1, b1=0.9, b2=0.99, weight_decay=0.1))),
    ]
    return {
        "what": "theta after each of 20 steps on 1/2 sum a (theta - b)^2 + 0.1 sum sin(3 theta_i) theta_(i+1)",
        "start": START,
        "a": A,
        "b": B,
        "cases": [{"optimizer": name, "rate": rate, "theta": path} for name, rate, path in cases],
    }


def values(scheduler, steps, **settings):
    """The factor of a base rate of 1 at each of `steps` steps."""
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=settings.pop("lr", 1.0))
    schedule = getattr(lr_scheduler, scheduler)(optimizer, **settings)
    factors = []
    for _ in range(steps):
        factors.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return factors


def one_cycle(anneal):
    # PyTorch's phases end at steps 0.3 T - 1 and T - 1: the same shares of each phase in epochs of 20.
    total = 40
    factors = values("OneCycleLR", total, max_lr=1.0, total_steps=total, anneal_strategy=anneal, cycle_momentum=False)
    peak = 0.3 * total - 1
    share = lambda s: 0.3 * s / peak if s <= peak else 0.3 + 0.7 * (s - peak) / (total - 1 - peak)
    return [(20.0 * share(s), f) for s, f in enumerate(factors)]


def schedules():
    # 20 epochs of 2 steps.
    halves = lambda factors: [(s / 2, f) for s, f in enumerate(factors)]
    whole = lambda factors: [(float(e), f) for e, f in enumerate(factors)]
    cases = [
        ("constant", whole(values("ConstantLR", 20, factor=1.0))),
        ("step:every=6,gamma=0.3", whole(values("StepLR", 20, step_size=6, gamma=0.3))),
        ("multi-step:at=[0.35,0.55,0.8],gamma=0.2", whole(values("MultiStepLR", 20, milestones=[7, 11, 16], gamma=0.2))),
        ("exponential:gamma=0.9", whole(values("ExponentialLR", 20, gamma=0.9))),
        ("linear:last=0.1", halves(values("LinearLR", 40, start_factor=1.0, end_factor=0.1, total_iters=40))),
        (
            "flat-linear",
            [(s / 2, float(optax.linear_schedule(1.0, 0.01, 16, transition_begin=20)(s))) for s in range(40)],
        ),
        ("polynomial", halves(values("PolynomialLR", 40, total_iters=40, power=0.9))),
        ("polynomial:power=2", halves(values("PolynomialLR", 40, total_iters=40, power=2.0))),
        (
            "polynomial:power=3,last=0.2",
            [(s / 2, float(optax.polynomial_schedule(1.0, 0.2, 3.0, 40)(s))) for s in range(40)],
        ),
        ("cosine:last=0.05", halves(values("CosineAnnealingLR", 40, T_max=40, eta_min=0.05))),
        ("sgdr", halves(values("CosineAnnealingWarmRestarts", 40, T_0=2, T_mult=2))),
        ("sgdr:t0=3,mult=1,last=0.1", halves(values("CosineAnnealingWarmRestarts", 40, T_0=6, T_mult=1, eta_min=0.1))),
        (
            "triangular:half-cycle=3,lo=0.2",
            halves(values("CyclicLR", 40, base_lr=0.2, max_lr=1.0, step_size_up=6, cycle_momentum=False)),
        ),
        (
            "triangular:half-cycle=2,lo=0.2,decay=0.5",
            halves(
                values("CyclicLR", 40, base_lr=0.2, max_lr=1.0, step_size_up=4, mode="triangular2", cycle_momentum=False)
            ),
        ),
        ("one-cycle", one_cycle("cos")),
        ("one-cycle:anneal=linear", one_cycle("linear")),
    ]
    return {
        "what": "[epoch, factor of the rate] over 20 epochs",
        "epochs": 20,
        "cases": [{"schedule": name, "points": points} for name, points in cases],
    }


def activations():
    functions = {
        "relu": F.relu,
        "leaky-relu": F.leaky_relu,
        "tanh": torch.tanh,
        "sigmoid": torch.sigmoid,
        "softplus": lambda x: torch.logaddexp(x, torch.zeros_like(x)),
        "gelu": F.gelu,
        "silu": F.silu,
        "mish": F.mish,
        "elu": F.elu,
        "elu:alpha=0.5": lambda x: F.elu(x, 0.5),
        "selu": F.selu,
        "celu": F.celu,
        # PyTorch keeps this alpha in single precision: one that loses nothing there.
        "celu:alpha=0.25": lambda x: F.celu(x, 0.25),
        "softsign": F.softsign,
        "hard-tanh": F.hardtanh,
        "squared-relu": lambda x: F.relu(x) ** 2,
        "quadratic": lambda x: x**2,
        "identity": lambda x: 1.0 * x,
    }
    points = [-6.5, -3.25, -1.5, -0.75, -0.125, 0.0625, 0.5, 1.25, 2.5, 5.0]
    cases = []
    for name, f in functions.items():
        x = torch.tensor(points, requires_grad=True)
        value = f(x)
        (slope,) = torch.autograd.grad(value.sum(), x, create_graph=True)
        if slope.requires_grad and slope.grad_fn is not None:
            (bend,) = torch.autograd.grad(slope.sum(), x, allow_unused=True)
        else:
            bend = None
        bend = torch.zeros_like(x) if bend is None else bend
        cases.append({"activation": name, "derivatives": [v.tolist() for v in (value.detach(), slope.detach(), bend)]})
    return {"what": "f, f' and f'' at the points", "points": points, "cases": cases}


def lines(document):
    """JSON with one case a line."""
    cases = document.pop("cases")
    head = json.dumps(document)[:-1]
    return head + ', "cases": [\n' + ",\n".join(json.dumps(c) for c in cases) + "\n]}\n"


def finite(x):
    if isinstance(x, dict):
        return all(finite(v) for v in x.values())
    if isinstance(x, (list, tuple)):
        return all(finite(v) for v in x)
    return not isinstance(x, float) or math.isfinite(x)


if __name__ == "__main__":
    here = pathlib.Path(__file__).parent
    for name, make in [("optimizers", optimizers), ("schedules", schedules), ("activations", activations)]:
        document = {"made_by": f"make.py with Python packages {VERSIONS}, float64, no random numbers"} | make()
        assert finite(document), name
        (here / f"{name}.json").write_text(lines(document))
