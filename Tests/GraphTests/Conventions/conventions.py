"""Writes conventions.json: what NumPy and PyTorch compute, to pin each op's conventions (axes, ties, rounding, broadcasting).

Run with any Python that has numpy and torch; the table is committed, so the tests need neither.
"""
import json
import os

import numpy as np
import torch
import torch.nn.functional as F

NAN, INF = float("nan"), float("inf")
cases = []


def encode(array):
    array = np.asarray(array)
    kind = {"f": "f32", "i": "i32", "b": "bool"}[array.dtype.kind]
    values = [v if np.isfinite(v) else str(v) for v in array.astype(np.float64).ravel().tolist()]
    return {"type": kind, "shape": list(array.shape), "values": values}


def case(name, inputs, result):
    inputs = [np.asarray(x) for x in inputs]
    cases.append({"name": name, "inputs": [encode(x) for x in inputs], "expected": encode(result)})


def f32(values):
    return np.array(values, np.float32)


def t(x):
    return torch.tensor(x)


rng = np.random.default_rng(1)
a = rng.uniform(-2, 2, (2, 3)).astype(np.float32)
b = rng.uniform(-2, 2, (2, 3)).astype(np.float32)
c = rng.uniform(-2, 2, (2, 3, 4)).astype(np.float32)
edge = f32([-INF, -2.5, -0.5, -0.0, 0.0, 0.5, 2.5, INF, NAN])

case("add broadcasts a row", [a, a[0]], a + a[0])
case("add broadcasts a column", [a, a[:, :1]], a + a[:, :1])
case("subtract", [a, b], a - b)
case("divide by zero", [f32([1, -1, 0]), f32([0, 0, 0])], f32([1, -1, 0]) / f32([0, 0, 0]))
case("maximum with nan", [edge, edge[::-1].copy()], np.maximum(edge, edge[::-1]))
case("minimum with nan", [edge, edge[::-1].copy()], np.minimum(edge, edge[::-1]))
case("power", [np.abs(a), b], np.power(np.abs(a), b))
case("power of special values", [f32([0, 0, -2, -2, 1, INF, -INF]), f32([0, -1, 3, 0.5, NAN, -1, 3])],
     np.power(f32([0, 0, -2, -2, 1, INF, -INF]), f32([0, -1, 3, 0.5, NAN, -1, 3])))
for name, function in [("exp", np.exp), ("log", np.log), ("sqrt", np.sqrt), ("tanh", np.tanh), ("sin", np.sin), ("cos", np.cos)]:
    with np.errstate(all="ignore"):
        case(name + " at the edges", [edge], function(edge.astype(np.float64)).astype(np.float32))
case("sigmoid at the edges", [edge], torch.sigmoid(t(edge)).numpy())
case("erf at the edges", [edge], torch.erf(t(edge)).numpy())
case("relu at the edges", [edge], torch.relu(t(edge)).numpy())
case("abs at the edges", [edge], np.abs(edge))
case("sign at the edges", [edge], np.sign(edge))
case("gelu", [a], F.gelu(t(a)).numpy())
case("gelu tanh", [a], F.gelu(t(a), approximate="tanh").numpy())
case("silu", [a], F.silu(t(a)).numpy())
case("softplus", [a * 20], F.softplus(t(a * 20), threshold=1000).numpy())
case("leaky relu 0.2", [a], F.leaky_relu(t(a), 0.2).numpy())
for name, function in [("less", np.less), ("less or equal", np.less_equal), ("greater", np.greater), ("greater or equal", np.greater_equal),
                       ("equal", np.equal), ("not equal", np.not_equal)]:
    case(name, [edge, f32([-INF, 0, 0, 0, -0.0, 1, 2.5, NAN, NAN])], function(edge, f32([-INF, 0, 0, 0, -0.0, 1, 2.5, NAN, NAN])))
case("select", [a > 0, a, b], np.where(a > 0, a, b))
case("cast to i32 truncates", [f32([-2.7, -0.5, 0.5, 2.7])], f32([-2.7, -0.5, 0.5, 2.7]).astype(np.int32))
case("cast of bool", [a > 0], (a > 0).astype(np.float32))
case("cast to bool", [f32([0, -0.0, 0.5, NAN])], f32([0, -0.0, 0.5, NAN]).astype(bool))
case("sum of all", [c], c.sum())
case("sum along 1", [c], c.sum(1))
case("sum along 0 and 2", [c], c.sum((0, 2)))
case("sum along -1 keeping axes", [c], c.sum(-1, keepdims=True))
case("mean along 0", [c], c.mean(0))
case("max along 1", [c], c.max(1))
case("min along 2", [c], c.min(2))
case("max with nan", [edge], edge.max())
case("argmax along 1", [c], c.argmax(1).astype(np.int32))
case("argmax takes the first", [f32([[1, 3, 3], [2, 2, 1]])], np.argmax(f32([[1, 3, 3], [2, 2, 1]]), 1).astype(np.int32))
case("argmax takes nan", [f32([1, NAN, 3, NAN])], np.int32(np.argmax(f32([1, NAN, 3, NAN]))))
case("matmul", [a, b.T.copy()], a @ b.T)
m = rng.uniform(-1, 1, (2, 4, 5)).astype(np.float32)
case("matmul batch", [c, m], c @ m)
case("matmul batch broadcasts", [c, m[0]], c @ m[0])
case("matmul vector left", [a[0], m[0][:3]], a[0] @ m[0][:3])
case("matmul vector right", [a, a[0]], a @ a[0])
case("matmul vectors", [a[0], a[1]], a[0] @ a[1])
case("transpose 2 0 1", [c], c.transpose(2, 0, 1))
case("reshape 4 6", [c], c.reshape(4, 6))
case("reshape -1 2", [c], c.reshape(-1, 2))
case("slice 1:3 step 2 of last", [c], c[:, 1:3, ::2])
case("pad 1 0 and 2 3 with 7", [a], np.pad(a, ((1, 2), (0, 3)), constant_values=7))
case("concatenate along 1", [a, b], np.concatenate([a, b], 1))
case("concatenate along -2", [a, b], np.concatenate([a, b], -2))
case("gather rows", [c, np.array([[1, 0], [1, 1]], np.int32)], c[np.array([[1, 0], [1, 1]])])
scattered = np.zeros((3, 3), np.float32)
np.add.at(scattered, np.array([2, 2]), a)
case("scatter add into 3", [a, np.array([2, 2], np.int32)], scattered)
case("one hot 4", [np.array([3, 0], np.int32)], np.eye(4, dtype=np.float32)[[3, 0]])
case("softmax along 1", [c * 30], F.softmax(t(c * 30), 1).numpy())
case("log softmax along -1", [c * 30], F.log_softmax(t(c * 30), -1).numpy())
labels = np.array([2, 0], np.int32)
case("cross entropy", [a * 40, labels], np.float32(F.cross_entropy(t(a * 40), t(labels).long()).item()))
case("binary cross entropy with logits", [a * 40, (b > 0).astype(np.float32)],
     np.float32(F.binary_cross_entropy_with_logits(t(a * 40), t((b > 0).astype(np.float32))).item()))
case("mean squared error", [a, b], np.float32(F.mse_loss(t(a), t(b)).item()))


def gradient(name, function, *inputs):
    leaves = [torch.tensor(x, requires_grad=True) for x in inputs]
    function(*leaves).sum().backward()
    case("gradient: " + name, inputs, leaves[0].grad.numpy())


gradient("max along 0 shares ties", lambda x: x.amax(0), f32([[1, 2, 3], [1, 5, 3]]))
gradient("maximum shares ties", torch.maximum, f32([1, 2, 3]), f32([1, 5, 0]))
gradient("relu at 0", torch.relu, f32([-1, 0, 1]))
gradient("abs at 0", torch.abs, f32([-1, 0, 1]))
gradient("power 0", lambda x: x ** 0.0, f32([0, 1, 2]))
gradient("sqrt", torch.sqrt, f32([0.25, 4]))
gradient("gelu", F.gelu, a)
gradient("softmax squared", lambda x: F.softmax(x, 1) ** 2, a)
gradient("matmul", lambda x, y: x @ y, a, b.T.copy())

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "conventions.json"), "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
