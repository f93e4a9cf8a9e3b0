"""The mutants: what is replaced by what in which handwritten gradient, as people do get it wrong.

A row is (kind, old, new); `old` is replaced where it first occurs below `def gradients`. Kinds that start with `equivalent`
change the
code but not what it computes. `EXPLAINED` says which causes are a right explanation of a kind.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.verify.mutants.hand import HEAD, SOURCES


@dataclass(frozen=True)
class Mutant:
    """One changed handwritten gradient."""

    case: str
    kind: str
    old: str
    new: str

    @property
    def equivalent(self) -> bool:
        return self.kind.startswith("equivalent")

    @property
    def source(self) -> str:
        head, body = (HEAD + SOURCES[self.case]).split("def gradients", maxsplit=1)
        assert self.old in body, f"{self.case}: {self.old!r} does not occur"
        return f"{head}def gradients{body.replace(self.old, self.new, 1)}"

    @property
    def lines(self) -> set[int]:
        """The lines that were changed (or where a line was left out)."""
        old = (HEAD + SOURCES[self.case]).splitlines()
        new = self.source.splitlines()
        first = next(k for k, (a, b) in enumerate(zip([*old, ""], [*new, ""], strict=False)) if a != b)
        return set(range(first + 1, first + 2 + self.new.count("\n")))

    def __str__(self) -> str:
        return f"{self.case}: {self.kind}: {self.old!r} -> {self.new!r}"


SIGN = {"sign", "ratio", "factor"}
FACTOR = {"ratio", "factor", "factor missing", "power", "path missing"}
SLOPE = {
    "slope missing",
    "slope",
    "slope of output",
    "slope of argument",
    "slope of another function",
    "factor missing",
    "power",
    "factor",
}
NAME = {"name", "permuted", "another loss"}
PATH = {"path missing", "factor missing", "factor", "name"}
EXPLAINED: dict[str, set[str]] = {
    "sign": SIGN,
    "factor 2 lost": FACTOR,
    "factor 2 doubled": FACTOR,
    "mean lost": FACTOR,
    "mean doubled": FACTOR,
    "mean over the wrong size": FACTOR,
    "slope missing": SLOPE,
    "slope of the wrong argument": SLOPE | NAME,
    "slope misremembered": SLOPE,
    "wrong name": NAME | {"factor missing", "slope"},
    "wrong index": NAME | {"permuted"},
    "results exchanged": {"permuted"},
    "path dropped": PATH,
    "path doubled": FACTOR,
    "factor dropped": PATH | FACTOR,
    "extra factor": {"extra factor", "factor", "power", "name"},
    "transpose": {"transpose", "shape", "name"},
    "wrong axis": {"shape", "axis"},
    "mean for sum": FACTOR,
    "constant": FACTOR | {"another loss"},
    "bias fed the input": NAME | {"extra factor", "permuted"},
    "another loss": {"another loss", "slope missing", "factor missing", "ratio", "extra factor"},
    "stale value": {"stale weight", "stale", "name"},
    "shape": {"shape"},
    "branch": {"branch", "factor", "factor missing", "slope missing", "slope"},
    "guard": {"epsilon"},
    "overwritten": {"path missing", "name", "factor"},
    "residual missing": {"another loss", "factor missing", "name", "power", "path missing", "term missing"},
    "extra term": {"extra term"},
    "power": FACTOR | SLOPE,
    "offset": {"extra term"},
}

ROWS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "two_outputs": (
        ("sign", "-(t1 - out_o1)", "(t1 - out_o1)"),
        ("sign", "delta_o1 * w5 + delta_o2 * w7", "delta_o1 * w5 - delta_o2 * w7"),
        ("slope missing", "* out_o1 * (1 - out_o1)", ""),
        ("slope missing", "* out_h1 * (1 - out_h1)", ""),
        ("slope of the wrong argument", "out_h1 * (1 - out_h1)", "out_o1 * (1 - out_o1)"),
        ("slope of the wrong argument", "out_h2 * (1 - out_h2)", "out_h1 * (1 - out_h1)"),
        ("slope misremembered", "out_o2 * (1 - out_o2)", "(1 - out_o2)"),
        ("slope misremembered", "out_o1 * (1 - out_o1)", "(1 - out_o1 ** 2)"),
        ("slope of the wrong argument", "out_o1 * (1 - out_o1)", "sigmoid(out_o1) * (1 - sigmoid(out_o1))"),
        ("wrong name", "delta_o1 * w5 + delta_o2 * w7", "delta_o1 * w5 + delta_o2 * w6"),
        ("wrong name", "delta_o1 * w6 + delta_o2 * w8", "delta_o1 * w5 + delta_o2 * w8"),
        ("wrong name", "dw2 = delta_h1 * x2", "dw2 = delta_h1 * x1"),
        ("wrong name", "dw6 = delta_o1 * out_h2", "dw6 = delta_o1 * out_h1"),
        ("wrong name", "dw7 = delta_o2 * out_h1", "dw7 = delta_o1 * out_h1"),
        ("wrong name", "dw3 = delta_h2 * x1", "dw3 = delta_h1 * x1"),
        ("path dropped", "(delta_o1 * w5 + delta_o2 * w7)", "delta_o1 * w5"),
        ("path dropped", "(delta_o1 * w6 + delta_o2 * w8)", "delta_o2 * w8"),
        ("path dropped", "db1 = delta_h1 + delta_h2", "db1 = delta_h1"),
        ("path dropped", "db2 = delta_o1 + delta_o2", "db2 = delta_o2"),
        ("factor 2 doubled", "-(t2 - out_o2)", "-2 * (t2 - out_o2)"),
        ("factor dropped", "dw4 = delta_h2 * x2", "dw4 = delta_h2"),
        ("factor dropped", "dw8 = delta_o2 * out_h2", "dw8 = delta_o2"),
        ("results exchanged", '"w5": dw5, "w6": dw6', '"w5": dw6, "w6": dw5'),
        ("results exchanged", '"w2": dw2, "w3": dw3', '"w2": dw3, "w3": dw2'),
        ("bias fed the input", "db1 = delta_h1 + delta_h2", "db1 = (delta_h1 + delta_h2) * x1"),
        ("wrong name", "-(t2 - out_o2)", "-(t2 - out_o1)"),
        ("another loss", "delta_o1 = -(t1 - out_o1) * out_o1 * (1 - out_o1)", "delta_o1 = out_o1 - t1"),
        ("residual missing", "-(t1 - out_o1) * out_o1", "out_o1"),
        ("equivalent", "-(t1 - out_o1)", "(out_o1 - t1)"),
        ("equivalent", "out_h1 * (1 - out_h1)", "(out_h1 - out_h1 ** 2)"),
    ),
    "chain": (
        ("factor 2 lost", "2 * (y - t)", "(y - t)"),
        ("sign", "2 * (y - t)", "2 * (t - y)"),
        ("slope missing", "dL_dz2 = dL_da2 * (1 - a2 ** 2)", "dL_dz2 = dL_da2"),
        ("slope missing", "dL_dz1 = dL_da1 * (1 - a1 ** 2)", "dL_dz1 = dL_da1"),
        ("slope misremembered", "(1 - a2 ** 2)", "(1 - a2) * a2"),
        ("slope misremembered", "(1 - a1 ** 2)", "(1 - a1)"),
        ("slope misremembered", "(1 - a1 ** 2)", "(1 + a1 ** 2)"),
        ("slope of the wrong argument", "(1 - a2 ** 2)", "(1 - np.tanh(a2) ** 2)"),
        ("slope of the wrong argument", "(1 - a1 ** 2)", "(1 - a2 ** 2)"),
        ("wrong name", "dL_dw3 = dL_dy * a2", "dL_dw3 = dL_dy * a1"),
        ("wrong name", "dL_da1 = dL_dz2 * w2", "dL_da1 = dL_dz2 * w3"),
        ("wrong name", "dL_dw2 = dL_dz2 * a1", "dL_dw2 = dL_dz2 * x"),
        ("slope missing", "dL_db2 = dL_dz2", "dL_db2 = dL_da2"),
        ("slope missing", "dL_dw1 = dL_dz1 * x", "dL_dw1 = dL_da1 * x"),
        ("factor dropped", "dL_da2 = dL_dy * w3", "dL_da2 = dL_dy"),
        ("factor dropped", "dL_da1 = dL_dz2 * w2", "dL_da1 = dL_dz2"),
        ("bias fed the input", "dL_db1 = dL_dz1", "dL_db1 = dL_dz1 * x"),
        ("results exchanged", "dL_dw1 = dL_dz1 * x", "dL_dw1 = dL_dw2"),
        ("constant", "2 * (y - t)", "3 * (y - t)"),
        ("offset", "2 * (y - t)", "2 * (y - t) + 1"),
        ("equivalent", "(1 - a1 ** 2)", "(1 - a1) * (1 + a1)"),
    ),
    "dense": (
        ("factor 2 lost", "2 * (y - t) / N", "(y - t) / N"),
        ("mean lost", "2 * (y - t) / N", "2 * (y - t)"),
        ("mean over the wrong size", "2 * (y - t) / N", "2 * (y - t) / y.shape[1]"),
        ("mean over the wrong size", "2 * (y - t) / N", "2 * (y - t) / y.size"),
        ("mean doubled", "dW = X.T @ dy", "dW = X.T @ dy / N"),
        ("sign", "(y - t)", "(t - y)"),
        ("mean for sum", "dy.sum(axis=0)", "dy.mean(axis=0)"),
        ("wrong axis", "dy.sum(axis=0)", "dy.sum(axis=1)"),
        ("shape", "dy.sum(axis=0)", "dy.sum(axis=0, keepdims=True)"),
        ("shape", "dy.sum(axis=0)", "dy.sum()"),
        ("transpose", "dW = X.T @ dy", "dW = dy.T @ X"),
        ("factor 2 doubled", "2 * (y - t) / N", "4 * (y - t) / N"),
        ("power", "2 * (y - t) / N", "2 * (y - t) ** 2 / N"),
        ("wrong name", "2 * (y - t) / N", "2 * (y - b) / N"),
        ("residual missing", "2 * (y - t) / N", "2 * y / N"),
        ("constant", "2 * (y - t) / N", "2 * (y - t) / 4"),
        ("equivalent", "dW = X.T @ dy", "dW = np.einsum('ni,nk->ik', X, dy)"),
        ("equivalent", "dy.sum(axis=0)", "np.ones(N) @ dy"),
    ),
    "mlp": (
        ("mean lost", "(P - t) / N", "(P - t)"),
        ("mean over the wrong size", "(P - t) / N", "(P - t) / P.shape[1]"),
        ("mean doubled", "dW2 = A1.T @ dZ2", "dW2 = A1.T @ dZ2 / N"),
        ("sign", "(P - t)", "(t - P)"),
        ("slope missing", "dZ1 = dA1 * (1 - A1 ** 2)", "dZ1 = dA1"),
        ("slope misremembered", "(1 - A1 ** 2)", "(1 - A1)"),
        ("slope misremembered", "(1 - A1 ** 2)", "A1 * (1 - A1)"),
        ("slope of the wrong argument", "(1 - A1 ** 2)", "(1 - np.tanh(A1) ** 2)"),
        ("slope of the wrong argument", "(1 - A1 ** 2)", "(1 - (X @ W1 + b1) ** 2)"),
        ("mean for sum", "db2 = dZ2.sum(axis=0)", "db2 = dZ2.mean(axis=0)"),
        ("wrong axis", "db1 = dZ1.sum(axis=0)", "db1 = dZ1.sum(axis=1)"),
        ("shape", "db1 = dZ1.sum(axis=0)", "db1 = dZ1.sum(axis=0, keepdims=True)"),
        ("slope missing", "dW1 = X.T @ dZ1", "dW1 = X.T @ dA1"),
        ("slope missing", "db1 = dZ1.sum(axis=0)", "db1 = dA1.sum(axis=0)"),
        ("residual missing", "(P - t) / N", "P / N"),
        ("factor 2 doubled", "(P - t) / N", "2 * (P - t) / N"),
        ("transpose", "dW2 = A1.T @ dZ2", "dW2 = dZ2.T @ A1"),
        ("another loss", "dZ2 = (P - t) / N", "dZ2 = P * (1 - P) * (P - t) / N"),
        ("extra term", "dW1 = X.T @ dZ1", "dW1 = X.T @ dZ1 + W1"),
        ("equivalent", "dA1 = dZ2 @ W2.T", "dA1 = (W2 @ dZ2.T).T"),
        ("equivalent", "(1 - A1 ** 2)", "(1 / np.cosh(X @ W1 + b1) ** 2)"),
    ),
    "perceptron": (
        ("sign", "dv = -(t - y)", "dv = (t - y)"),
        ("mean lost", "-(t - y) / len(X)", "-(t - y)"),
        ("mean over the wrong size", "-(t - y) / len(X)", "-(t - y) / len(w)"),
        ("branch", "v > 0", "v < 0"),
        ("branch", "np.where(v > 0, 1.0, 0.0)", "np.where(v > 0, 1.0, -1.0)"),
        ("mean for sum", "db = dv.sum()", "db = dv.mean()"),
        ("factor dropped", "dw = dv @ X", "dw = np.ones(len(X)) @ X"),
        ("bias fed the input", "db = dv.sum()", "db = (dv @ X)[0]"),
        ("residual missing", "-(t - y)", "y"),
        ("factor 2 doubled", "-(t - y)", "-2 * (t - y)"),
        ("wrong name", "-(t - y)", "-(t - v)"),
        ("equivalent", "v > 0", "v >= 0"),
        ("equivalent", "dw = dv @ X", "dw = X.T @ dv"),
    ),
    "logistic": (
        ("mean lost", "(p - t) / N", "(p - t)"),
        ("factor 2 lost", "2 * lam * w", "lam * w"),
        ("path dropped", " + 2 * lam * w", ""),
        ("sign", "(p - t)", "(t - p)"),
        ("sign", "+ 2 * lam * w", "- 2 * lam * w"),
        ("extra factor", "dz = (p - t) / N", "dz = (p - t) * p * (1 - p) / N"),
        ("mean doubled", "2 * lam * w", "2 * lam * w / N"),
        ("extra term", "db = np.sum(dz)", "db = np.sum(dz) + 2 * lam * b"),
        ("mean for sum", "db = np.sum(dz)", "db = np.mean(dz)"),
        ("factor dropped", "2 * lam * w", "2 * w"),
        ("factor dropped", "2 * lam * w", "2 * lam"),
        ("residual missing", "(p - t) / N", "p / N"),
        ("factor 2 doubled", "(p - t) / N", "2 * (p - t) / N"),
        ("guard", "(p - t) / N", "(p - t) / (p * (1 - p) + 1e-7) * p * (1 - p) / N"),
        ("power", "2 * lam * w", "2 * lam * w ** 2"),
        ("constant", "2 * lam * w", "3 * lam * w"),
        ("equivalent", "2 * lam * w", "lam * w + lam * w"),
        ("equivalent", "(p - t) / N", "np.divide(p - t, N)"),
    ),
    "layer_norm": (
        ("path dropped", "dxh - s1 / D - xh * s2 / D", "dxh - s1 / D"),
        ("path dropped", "dxh - s1 / D - xh * s2 / D", "dxh - xh * s2 / D"),
        ("sign", "- xh * s2 / D", "+ xh * s2 / D"),
        ("sign", "dxh - s1 / D", "dxh + s1 / D"),
        ("factor dropped", "dxh = dy * g", "dxh = dy"),
        ("factor dropped", "- xh * s2 / D", "- s2 / D"),
        ("mean lost", "dxh - s1 / D", "dxh - s1"),
        ("mean over the wrong size", "xh * s2 / D", "xh * s2 / len(x)"),
        ("factor dropped", ") / std", ")"),
        ("power", ") / std", ") / std ** 2"),
        ("wrong name", "dg = (dy * xh)", "dg = (dy * xc)"),
        ("wrong name", "(dxh * xh).sum(axis=1", "(dxh * xc).sum(axis=1"),
        ("wrong axis", "s1 = dxh.sum(axis=1, keepdims=True)", "s1 = dxh.sum(axis=0, keepdims=True)"),
        ("wrong axis", "dg = (dy * xh).sum(axis=0)", "dg = (dy * xh).sum(axis=1)"),
        ("factor dropped", "dg = (dy * xh).sum", "dg = dy.sum"),
        ("mean for sum", "db = dy.sum(axis=0)", "db = dy.mean(axis=0)"),
        ("factor 2 doubled", "- xh * s2 / D", "- 2 * xh * s2 / D"),
        ("equivalent", "dxh.sum(axis=1, keepdims=True)", "dxh.sum(axis=1)[:, None]"),
        ("equivalent", ") / std", ") * (1 / std)"),
    ),
    "batch_norm": (
        ("factor dropped", "dxh = dy * g", "dxh = dy"),
        ("path dropped", "dxh * inv + dvar * 2 * xc / N + dmu / N", "dxh * inv + dvar * 2 * xc / N"),
        ("path dropped", "dxh * inv + dvar * 2 * xc / N + dmu / N", "dxh * inv + dmu / N"),
        ("factor 2 lost", "dvar * 2 * xc / N", "dvar * xc / N"),
        ("mean lost", "dvar * 2 * xc / N", "dvar * 2 * xc"),
        ("mean lost", "+ dmu / N", "+ dmu"),
        ("sign", "dmu = -np.sum", "dmu = np.sum"),
        ("sign", "* -0.5 * inv ** 3", "* 0.5 * inv ** 3"),
        ("power", "inv ** 3", "inv ** 2"),
        ("constant", "* -0.5 *", "* -1 *"),
        ("wrong name", "np.sum(dxh * xc, axis=0)", "np.sum(dxh * xh, axis=0)"),
        ("factor dropped", "dmu = -np.sum(dxh * inv, axis=0)", "dmu = -np.sum(dxh, axis=0)"),
        ("wrong axis", "db = np.sum(dy, axis=0)", "db = np.sum(dy, axis=1)"),
        ("extra factor", "dg = np.sum(dy * xh, axis=0)", "dg = np.sum(dy * g * xh, axis=0)"),
        ("shape", "db = np.sum(dy, axis=0)", "db = np.sum(dy, axis=0, keepdims=True)"),
        ("mean over the wrong size", "dvar * 2 * xc / N", "dvar * 2 * xc / x.shape[1]"),
        ("equivalent", " + dvar * np.mean(-2 * xc, axis=0)", ""),
        ("equivalent", "inv ** 3", "inv / (var + 0.01)"),
    ),
    "conv": (
        ("slope missing", "dz = da * (z > 0)", "dz = da"),
        ("branch", "da * (z > 0)", "da * (z < 0)"),
        ("branch", "da * (z > 0)", "da * (x[:, :S] > 0)"),
        ("sign", "da = a - t", "da = t - a"),
        ("factor 2 doubled", "da = a - t", "da = 2 * (a - t)"),
        ("mean lost", "dc = dz.sum()", "dc = dz.mean()"),
        ("wrong index", "dx[:, u:u + S] += dz * k[u]", "dx[:, u:u + S] += dz * k[F - 1 - u]"),
        ("wrong index", "dk[u] = (dz * x[:, u:u + S]).sum()", "dk[u] = (dz * x[:, F - 1 - u:F - 1 - u + S]).sum()"),
        ("overwritten", "dx[:, u:u + S] += dz * k[u]", "dx[:, u:u + S] = dz * k[u]"),
        ("slope missing", "dk[u] = (dz * x[:, u:u + S]).sum()", "dk[u] = (da * x[:, u:u + S]).sum()"),
        ("slope missing", "dc = dz.sum()", "dc = da.sum()"),
        ("slope missing", "dx[:, u:u + S] += dz * k[u]", "dx[:, u:u + S] += da * k[u]"),
        ("mean for sum", "(dz * x[:, u:u + S]).sum()", "(dz * x[:, u:u + S]).mean()"),
        ("factor dropped", "dx[:, u:u + S] += dz * k[u]", "dx[:, u:u + S] += dz"),
        ("wrong index", "dx[:, u:u + S] += dz * k[u]", "dx[:, u:u + S] += dz * k[0]"),
        ("equivalent", "da * (z > 0)", "da * (a > 0)"),
        ("equivalent", "np.maximum(z, 0)", "z * (z > 0)"),
    ),
    "attention": (
        ("factor dropped", "dQ = dS @ K * scale", "dQ = dS @ K"),
        ("factor dropped", "dK = dS.T @ Q * scale", "dK = dS.T @ Q"),
        ("path dropped", "P * (dP - (dP * P).sum(axis=1, keepdims=True))", "P * dP"),
        ("factor dropped", "P * (dP - (dP * P)", "(dP - (dP * P)"),
        ("sign", "(dP - (dP * P)", "(dP + (dP * P)"),
        ("slope misremembered", "P * (dP - (dP * P).sum(axis=1, keepdims=True))", "P * (1 - P) * dP"),
        ("wrong axis", "(dP * P).sum(axis=1, keepdims=True)", "(dP * P).sum(axis=0, keepdims=True)"),
        ("factor dropped", "(dP - (dP * P).sum", "(dP - dP.sum"),
        ("mean for sum", "(dP * P).sum(axis=1", "(dP * P).mean(axis=1"),
        ("sign", "P @ V - t", "t - P @ V"),
        ("factor 2 doubled", "P @ V - t", "2 * (P @ V - t)"),
        ("wrong name", "dV = P.T @ dO", "dV = P.T @ t"),
        ("transpose", "dK = dS.T @ Q * scale", "dK = (dS.T @ Q * scale).T"),
        ("power", "dQ = dS @ K * scale", "dQ = dS @ K * scale ** 2"),
        ("residual missing", "dO = P @ V - t", "dO = P @ V"),
        ("factor dropped", "dS = P * (dP - (dP * P)", "dS = P * (1 - (dP * P)"),
        ("wrong name", "dQ = dS @ K * scale", "dQ = dP @ K * scale"),
        ("equivalent", "P * (dP - (dP * P).sum(axis=1, keepdims=True))", "P * dP - P * np.sum(P * dP, axis=1, keepdims=True)"),
    ),
    "lstm": (
        ("slope missing", "dc = dy * ot * (1 - tc ** 2)", "dc = dy * ot"),
        ("slope missing", "dzf = dc * c0 * ft * (1 - ft)", "dzf = dc * c0"),
        ("slope misremembered", "dzg = dc * it * (1 - gt ** 2)", "dzg = dc * it * gt * (1 - gt)"),
        ("slope misremembered", "dzi = dc * gt * it * (1 - it)", "dzi = dc * gt * (1 - it)"),
        ("slope of the wrong argument", "(1 - tc ** 2)", "(1 - c ** 2)"),
        ("slope of the wrong argument", "dzi = dc * gt * it * (1 - it)", "dzi = dc * gt * ft * (1 - ft)"),
        ("wrong name", "dzo = dy * tc", "dzo = dy * c"),
        ("wrong name", "dzi = dc * gt *", "dzi = dc * c0 *"),
        ("wrong name", "dzf = dc * c0", "dzf = dc * c"),
        ("wrong name", "dzg = dc * it", "dzg = dc * ot"),
        ("wrong name", "dc = dy * ot", "dc = dy * it"),
        ("sign", "dy = ot * tc - t", "dy = t - ot * tc"),
        ("factor dropped", "dzf = dc * c0 * ft", "dzf = dc * ft"),
        ("factor 2 doubled", "dy = ot * tc - t", "dy = 2 * (ot * tc - t)"),
        ("results exchanged", '"bf": dzf,\n        "bi": dzi', '"bf": dzi,\n        "bi": dzf'),
        ("wrong name", '"Wg": np.outer(x, dzg)', '"Wg": np.outer(x, dzi)'),
        ("transpose", '"Wf": np.outer(x, dzf)', '"Wf": np.outer(dzf, x)'),
        ("equivalent", "ft * (1 - ft)", "ft * sigmoid(-(x @ Wf + bf))"),
        ("equivalent", "np.outer(x, dzf)", "x[:, None] * dzf"),
    ),
    "recurrent": (
        ("path dropped", "np.outer(x1, dz1) + np.outer(x2, dz2)", "np.outer(x2, dz2)"),
        ("path dropped", "np.outer(x1, dz1) + np.outer(x2, dz2)", "np.outer(x1, dz1)"),
        ("path dropped", "db = dz1 + dz2", "db = dz2"),
        ("slope missing", "dz2 = dh2 * (1 - h2 ** 2)", "dz2 = dh2"),
        ("slope missing", "dz1 = dh1 * (1 - h1 ** 2)", "dz1 = dh1"),
        ("slope of the wrong argument", "dz1 = dh1 * (1 - h1 ** 2)", "dz1 = dh1 * (1 - h2 ** 2)"),
        ("slope misremembered", "dz2 = dh2 * (1 - h2 ** 2)", "dz2 = dh2 * (1 - h2)"),
        ("transpose", "dh1 = dz2 @ U.T", "dh1 = dz2 @ U"),
        ("transpose", "dU = np.outer(h1, dz2)", "dU = np.outer(dz2, h1)"),
        ("wrong name", "dU = np.outer(h1, dz2)", "dU = np.outer(h2, dz2)"),
        ("wrong name", "dU = np.outer(h1, dz2)", "dU = np.outer(x1 @ W, dz2)"),
        ("sign", "dh2 = h2 - t", "dh2 = t - h2"),
        ("path doubled", "db = dz1 + dz2", "db = dz1 + 2 * dz2"),
        ("wrong name", "np.outer(x1, dz1)", "np.outer(x2, dz1)"),
        ("factor dropped", "dh1 = dz2 @ U.T", "dh1 = dz2"),
        ("stale value", "h2 = np.tanh(x2 @ W", "h2 = np.tanh(x1 @ W"),
        ("extra term", "db = dz1 + dz2", "db = dz1 + dz2 + b"),
        ("equivalent", "dh1 = dz2 @ U.T", "dh1 = U @ dz2"),
    ),
}  # fmt: skip

MUTANTS: tuple[Mutant, ...] = tuple(Mutant(case, *row) for case, rows in ROWS.items() for row in rows)
