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


def case(name, inputs, result, zeros="signed"):
    """With zeros="any", the sign of a zero is not pinned: IEEE 754 leaves it open, or the frameworks differ among themselves."""
    inputs = [np.asarray(x) for x in inputs]
    entry = {"name": name, "inputs": [encode(x) for x in inputs], "expected": encode(result)}
    if zeros != "signed":
        entry["zeros"] = zeros
    cases.append(entry)


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
case("multiply broadcasts both", [a[:, :1], a[:1]], a[:, :1] * a[:1])
case("multiply by a scalar", [np.float32(3), a], np.float32(3) * a)
case("divide broadcasts inner axes", [c, b[:, :, None]], c / b[:, :, None])
wide = np.array([-2**31, -2**31 + 1, -1, 0, 1, 65537, 2**31 - 1], np.int32)
with np.errstate(all="ignore"):
    case("i32 add wraps", [wide, wide], wide + wide)
    case("i32 multiply wraps", [wide, wide[::-1].copy()], wide * wide[::-1])
    case("i32 negate wraps", [wide], -wide)
    case("i32 abs wraps", [wide], np.abs(wide))
    case("i32 sum wraps", [np.repeat(wide[-1:], 5)], np.repeat(wide[-1:], 5).sum(dtype=np.int32))
case("i32 and", [wide, wide[::-1].copy()], wide & wide[::-1])
case("i32 xor", [wide, wide[::-1].copy()], wide ^ wide[::-1])
case("cast of i32 rounds to even", [np.array([2**24 + 1, 2**24 + 3, -2**24 - 1, 2**31 - 1], np.int32)],
     np.array([2**24 + 1, 2**24 + 3, -2**24 - 1, 2**31 - 1], np.int32).astype(np.float32))
case("cast of bool to i32", [a > 0], (a > 0).astype(np.int32))
case("bool or", [a > 0, b > 0], (a > 0) | (b > 0))
case("bool not", [a > 0], ~(a > 0))
case("bool equal", [a > 0, b > 0], (a > 0) == (b > 0))
case("divide by zero", [f32([1, -1, 0]), f32([0, 0, 0])], f32([1, -1, 0]) / f32([0, 0, 0]))
case("maximum with nan", [edge, edge[::-1].copy()], np.maximum(edge, edge[::-1]), zeros="any")
case("minimum with nan", [edge, edge[::-1].copy()], np.minimum(edge, edge[::-1]), zeros="any")
case("power", [np.abs(a), b], np.power(np.abs(a), b))
case("power of special values", [f32([0, 0, -2, -2, 1, INF, -INF]), f32([0, -1, 3, 0.5, NAN, -1, 3])],
     np.power(f32([0, 0, -2, -2, 1, INF, -INF]), f32([0, -1, 3, 0.5, NAN, -1, 3])))
for name, function in [("exp", np.exp), ("log", np.log), ("sqrt", np.sqrt), ("tanh", np.tanh), ("sin", np.sin), ("cos", np.cos)]:
    with np.errstate(all="ignore"):
        case(name + " at the edges", [edge], function(edge.astype(np.float64)).astype(np.float32))
case("sigmoid at the edges", [edge], torch.sigmoid(t(edge)).numpy())
case("erf at the edges", [edge], torch.erf(t(edge)).numpy())
case("relu at the edges", [edge], torch.relu(t(edge)).numpy(), zeros="any")
case("abs at the edges", [edge], np.abs(edge))
case("sign at the edges", [edge], np.sign(edge), zeros="any")
with np.errstate(all="ignore"):
    case("log1p at the edges", [edge], np.log1p(edge.astype(np.float64)).astype(np.float32))
case("rsqrt at the edges", [edge], torch.rsqrt(t(edge)).numpy())
case("negate at the edges", [edge], -edge)
case("leaky relu at the edges", [edge], F.leaky_relu(t(edge), 0.1).numpy())
case("softplus at the edges", [edge], F.softplus(t(edge)).numpy())
case("silu at the edges", [edge], F.silu(t(edge)).numpy())
case("gelu at the edges", [edge[1:7]], F.gelu(t(edge[1:7])).numpy())
case("gelu tanh at the edges", [edge[1:7]], F.gelu(t(edge[1:7]), approximate="tanh").numpy())
case("gelu", [a], F.gelu(t(a)).numpy())
case("gelu tanh", [a], F.gelu(t(a), approximate="tanh").numpy())
case("silu", [a], F.silu(t(a)).numpy())
case("softplus", [a * 20], F.softplus(t(a * 20), threshold=1000).numpy())
case("leaky relu 0.2", [a], F.leaky_relu(t(a), 0.2).numpy())
for name, function in [("less", np.less), ("less or equal", np.less_equal), ("greater", np.greater), ("greater or equal", np.greater_equal),
                       ("equal", np.equal), ("not equal", np.not_equal)]:
    case(name, [edge, f32([-INF, 0, 0, 0, -0.0, 1, 2.5, NAN, NAN])], function(edge, f32([-INF, 0, 0, 0, -0.0, 1, 2.5, NAN, NAN])))
case("select", [a > 0, a, b], np.where(a > 0, a, b))
case("select broadcasts", [a[:, :1] > 0, a, b[0]], np.where(a[:, :1] > 0, a, b[0]))
case("select hides nan", [np.array([True, False]), f32([1, NAN]), f32([NAN, 2])], f32([1, 2]))
case("cast to i32 truncates", [f32([-2.7, -0.5, 0.5, 2.7])], f32([-2.7, -0.5, 0.5, 2.7]).astype(np.int32))
case("cast of bool", [a > 0], (a > 0).astype(np.float32))
case("cast to bool", [f32([0, -0.0, 0.5, NAN])], f32([0, -0.0, 0.5, NAN]).astype(bool))
case("sum of all", [c], c.sum())
case("sum along 1", [c], c.sum(1))
case("sum along 0 and 2", [c], c.sum((0, 2)))
case("sum along -1 keeping axes", [c], c.sum(-1, keepdims=True))
case("sum along 0 and 1 keeping axes", [c], c.sum((0, 1), keepdims=True))
case("mean of all", [c], c.mean())
case("mean along 0", [c], c.mean(0))
case("mean along -1 and 0", [c], c.mean((-1, 0)))
case("max along 1", [c], c.max(1))
case("min along 2", [c], c.min(2))
case("max along 0 and 2 keeping axes", [c], c.max((0, 2), keepdims=True))
case("min of all", [c], c.min())
case("max with nan", [edge], edge.max())
case("min with nan", [edge], edge.min())
case("max of infinities", [f32([[-INF, -INF], [-INF, 1]])], f32([[-INF, -INF], [-INF, 1]]).max(1))
case("argmax along 1", [c], c.argmax(1).astype(np.int32))
case("argmax along -1 keeping axes", [c], c.argmax(-1, keepdims=True).astype(np.int32))
case("argmax of -inf", [f32([-INF, -INF])], np.int32(np.argmax(f32([-INF, -INF]))))
case("argmax of zeros", [f32([-0.0, 0.0, 0.0])], np.int32(np.argmax(f32([-0.0, 0.0, 0.0]))))
case("argmax takes the first", [f32([[1, 3, 3], [2, 2, 1]])], np.argmax(f32([[1, 3, 3], [2, 2, 1]]), 1).astype(np.int32))
case("argmax takes nan", [f32([1, NAN, 3, NAN])], np.int32(np.argmax(f32([1, NAN, 3, NAN]))))
case("matmul", [a, b.T.copy()], a @ b.T)
m = rng.uniform(-1, 1, (2, 4, 5)).astype(np.float32)
case("matmul batch", [c, m], c @ m)
case("matmul batch broadcasts", [c, m[0]], c @ m[0])
case("matmul vector left", [a[0], m[0][:3]], a[0] @ m[0][:3])
case("matmul vector right", [a, a[0]], a @ a[0])
case("matmul vectors", [a[0], a[1]], a[0] @ a[1])
case("matmul batch broadcasts both", [c[:, None], m[None]], c[:, None] @ m[None])
case("matmul batch by vector", [c, m[0, :, 0].copy()], c @ m[0, :, 0])
case("transpose 2 0 1", [c], c.transpose(2, 0, 1))
case("transpose of the last axes", [c], np.swapaxes(c, -1, -2))
case("expand axis -1", [a], np.expand_dims(a, -1))
case("expand axis 1", [a], np.expand_dims(a, 1))
case("squeeze axis 1", [c[:, :1]], np.squeeze(c[:, :1], 1))
case("broadcast to 2 2 3", [a[:, None]], np.broadcast_to(a[:, None], (2, 2, 3)))
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
case("gather of a vector", [a[0], np.array([[2, 0, 2]], np.int32)], a[0][np.array([[2, 0, 2]])])
case("scatter add of a matrix of indices", [a, np.array([[1, 0, 1], [1, 1, 0]], np.int32)],
     np.array([a[0, 1] + a[1, 2], a[0, 0] + a[0, 2] + a[1, 0] + a[1, 1]], np.float32))
case("softmax along 0", [c], F.softmax(t(c), 0).numpy())
case("softmax with -inf", [f32([[1, -INF, 2], [-INF, 5, -INF]])], F.softmax(t(f32([[1, -INF, 2], [-INF, 5, -INF]])), 1).numpy())
case("logsumexp along 1", [c * 50], torch.logsumexp(t(c * 50), 1).numpy())
case("logsumexp of infinities", [f32([[-INF, -INF], [INF, 1], [-INF, 1]])], torch.logsumexp(t(f32([[-INF, -INF], [INF, 1], [-INF, 1]])), 1).numpy())
case("logsumexp along 0 and 2 keeping axes", [c * 50], torch.logsumexp(t(c * 50), (0, 2), keepdim=True).numpy())
case("logaddexp", [a * 60, b * 60], np.logaddexp(a * 60, b * 60))
case("logaddexp at the edges", [edge, edge[::-1].copy()], torch.logaddexp(t(edge), t(edge[::-1].copy())).numpy())
case("log of softmax", [a * 60], F.log_softmax(t(a * 60), 1).numpy())
case("log of sigmoid", [f32([-200, -1, 0, 1, 200])], F.logsigmoid(t(f32([-200, -1, 0, 1, 200]))).numpy(), zeros="any")
case("softmax along 1", [c * 30], F.softmax(t(c * 30), 1).numpy())
case("log softmax along -1", [c * 30], F.log_softmax(t(c * 30), -1).numpy())
def layer_norm(x, axes, epsilon):
    x = x.astype(np.float64)
    deviation = x - x.mean(axes, keepdims=True)
    return (deviation / np.sqrt(x.var(axes, keepdims=True) + epsilon)).astype(np.float32)


case("layer norm of the last axis", [c * 30 + 7], layer_norm(c * 30 + 7, -1, 1e-5))
case("layer norm of two axes", [c], layer_norm(c, (-2, -1), 0.1))
labels = np.array([2, 0], np.int32)
case("cross entropy", [a * 40, labels], np.float32(F.cross_entropy(t(a * 40), t(labels).long()).item()))
case("binary cross entropy with logits", [a * 40, (b > 0).astype(np.float32)],
     np.float32(F.binary_cross_entropy_with_logits(t(a * 40), t((b > 0).astype(np.float32))).item()))
case("mean squared error", [a, b], np.float32(F.mse_loss(t(a), t(b)).item()))


def gradient(name, function, *inputs, of=0):
    """The gradient of the sum of what `function` gives, with respect to one of its inputs."""
    leaves = [torch.tensor(x, requires_grad=np.asarray(x).dtype == np.float32) for x in inputs]
    function(*leaves).sum().backward()
    case("gradient: " + name, inputs, leaves[of].grad.numpy(), zeros="any")


gradient("max along 0 shares ties", lambda x: x.amax(0), f32([[1, 2, 3], [1, 5, 3]]))
gradient("min of all shares ties", lambda x: x.amin((0, 1)), f32([[1, 2, 3], [1, 5, 1]]))
gradient("maximum shares ties", torch.maximum, f32([1, 2, 3]), f32([1, 5, 0]))
gradient("minimum shares ties", torch.minimum, f32([1, 2, 3]), f32([1, 5, 0]), of=1)
gradient("relu at 0", torch.relu, f32([-1, 0, 1]))
gradient("leaky relu at 0", lambda x: F.leaky_relu(x, 0.25), f32([-1, 0, 1]))
gradient("abs at 0", torch.abs, f32([-1, 0, 1]))
gradient("sign", lambda x: torch.sign(x) * x, f32([-1, 0, 1]))
gradient("power 0", lambda x: x ** 0.0, f32([0, 1, 2]))
gradient("power 2 at 0", lambda x: x ** 2.0, f32([-1, 0, 3]))
gradient("power to the base", torch.pow, f32([0, 0, 0, 2, 3]), f32([0, 1, 2, 0, -1]))
gradient("power to the exponent", torch.pow, f32([0, 0, 2, 1]), f32([1, 2, 0.5, 7]), of=1)
gradient("sqrt", torch.sqrt, f32([0.25, 4]))
gradient("sqrt at 0", torch.sqrt, f32([0, 1]))
gradient("log at 0", torch.log, f32([0, 2]))
gradient("rsqrt", torch.rsqrt, f32([0.25, 4]))
gradient("divide to the denominator", torch.div, a, b, of=1)
gradient("divide broadcasts", torch.div, a, b[:, :1].copy(), of=1)
gradient("select", torch.where, a > 0, a, b, of=2)
gradient("log1p", torch.log1p, f32([-0.5, 0, 3]))
gradient("softplus", F.softplus, f32([-100, -1, 0, 1, 100]))
gradient("silu", F.silu, a)
gradient("gelu", F.gelu, a)
gradient("gelu tanh", lambda x: F.gelu(x, approximate="tanh"), a)
gradient("erf", torch.erf, a)
gradient("softmax squared", lambda x: F.softmax(x, 1) ** 2, a)
gradient("log softmax squared", lambda x: F.log_softmax(x, 0) ** 2, a)
gradient("cross entropy", lambda x, y: F.cross_entropy(x, y.long()), a * 40, labels)
gradient("binary cross entropy at 0", lambda x, y: F.binary_cross_entropy_with_logits(x, y), f32([0, -3, 300]), f32([0.25, 1, 0]))
gradient("mean squared error", F.mse_loss, a, b)
gradient("mean along 1 squared", lambda x: x.mean(1) ** 2, a)
gradient("matmul", lambda x, y: x @ y, a, b.T.copy())
gradient("matmul to the right", lambda x, y: (x @ y) ** 2, a, b.T.copy(), of=1)
gradient("matmul batch broadcasts", lambda x, y: (x @ y) ** 2, c, m[0], of=1)
gradient("matmul vectors", lambda x, y: (x @ y) ** 2, a[0], a[1])
gradient("gather rows twice", lambda x, i: x[i.long()] ** 2, a, np.array([1, 0, 1], np.int32))
gradient("scatter add", lambda x, i: torch.zeros(3, 3).index_add(0, i.long(), x) ** 2, a, np.array([2, 2], np.int32))
gradient("concatenate squared", lambda x, y: torch.cat([x, y, x], 1) ** 2, a, b)
gradient("pad squared", lambda x: F.pad(x, (1, 2), value=3.0) ** 2, a)
gradient("slice step 2", lambda x: x[:, ::2] ** 3, a)
gradient("transpose and reshape", lambda x: x.permute(2, 0, 1).reshape(8, 3)[:3] ** 2, c)
gradient("broadcast sums", lambda x, y: (x + y) ** 2, a[0], c.transpose(0, 2, 1).copy())


def trajectory(name, make):
    """Five steps of an optimizer on Σ (w − target)⁴, from ones."""
    target = f32([0.5, -1, 2, 0])
    w = torch.nn.Parameter(torch.ones(4))
    optimizer = make([w])
    for _ in range(5):
        optimizer.zero_grad()
        ((w - t(target)) ** 4).sum().backward()
        optimizer.step()
    case("optimizer: " + name, [target], w.detach().numpy())


trajectory("sgd", lambda p: torch.optim.SGD(p, lr=0.01))
trajectory("sgd weight decay", lambda p: torch.optim.SGD(p, lr=0.01, weight_decay=0.1))
trajectory("momentum", lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9))
trajectory("nesterov", lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9, nesterov=True, weight_decay=0.1))
trajectory("adam", lambda p: torch.optim.Adam(p, lr=0.05))
trajectory("adam weight decay", lambda p: torch.optim.Adam(p, lr=0.05, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.1))
trajectory("adamw", lambda p: torch.optim.AdamW(p, lr=0.05, weight_decay=0.1))

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "conventions.json"), "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
