"""Strides and paddings that nobody gave: what one of them hides is found at another, and code is asked for those it takes."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from symbackprop.cli import cli
from symbackprop.verify.passes.inventing.invented import other_settings

LINE = """
import numpy as np
def conv1d_forward(x, w, b, conv_param):
    \"\"\"x: (N, C, L)   w: (F, C, K)   b: (F,)\"\"\"
    stride, pad = conv_param["stride"], conv_param["pad"]
    N, C, L = x.shape
    F, _, K = w.shape
    xp = np.pad(x, ((0, 0), (0, 0), (pad, pad)))
    out = np.zeros((N, F, (L + 2 * pad - K) // stride + 1))
    for i in range(out.shape[2]):
        out[:, :, i] = np.tensordot(xp[:, :, i * stride:i * stride + K], w, axes=([1, 2], [1, 2])) + b
    return out, (x, w, conv_param, xp)
def conv1d_backward(dout, cache):
    x, w, conv_param, xp = cache
    stride, pad = conv_param["stride"], conv_param["pad"]
    K, L = w.shape[2], x.shape[2]
    dw, dxp = np.zeros_like(w), np.zeros_like(xp)
    for i in range(dout.shape[2]):
        a = i * stride
        dw += np.einsum("nf,nck->fck", dout[:, :, i], xp[:, :, a:a + K])
        dxp[:, :, a:a + K] += np.tensordot(dout[:, :, i], w, axes=(1, 0))
    return dxp[:, :, pad:pad + L], dw, dout.sum(axis=(0, 2))
"""

POOL = """
import numpy as np
class MeanPool:
    def __init__(self, size, stride):
        self.size, self.stride = size, stride
    def forward(self, x):
        \"\"\"x: (N, L)\"\"\"
        self.x = x
        n = (x.shape[1] - self.size) // self.stride + 1
        return np.stack([x[:, k * self.stride:k * self.stride + self.size].mean(axis=1) for k in range(n)], axis=1)
    def backward(self, dout):
        dx = np.zeros_like(self.x)
        for k in range(dout.shape[1]):
            at = k * self.stride
            dx[:, at:at + self.size] += dout[:, k:k + 1] / self.size
        return dx
"""

CASES = {
    "right": (LINE, "", "", True),
    "the stride left out": (LINE, "        a = i * stride", "        a = i", False),
    "the padding left in": (LINE, "dxp[:, :, pad:pad + L]", "dxp[:, :, :L]", False),
    "windows that overlap overwritten": (LINE, "dxp[:, :, a:a + K] += ", "dxp[:, :, a:a + K] = ", False),
    "no padding is taken": (LINE, "    N, C, L = x.shape", "    N, C, L = x.shape\n    assert pad == 0", True),
    "a pool": (POOL, "", "", True),
    "a pool whose windows overlap": (POOL, "] += dout", "] = dout", False),
    "a pool that takes windows apart only": (
        POOL,
        "        self.x = x",
        "        self.x = x\n        assert self.stride >= self.size",
        True,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_code_is_checked_at_each_stride_and_padding_that_it_takes(name: str, tmp_path: Path) -> None:
    text, old, new, right = CASES[name]
    assert not old or text.count(old) == 1
    file = tmp_path / "layer.py"
    file.write_text(text.replace(old, new) if old else text, encoding="utf-8")
    result = CliRunner().invoke(cli, ["check", str(file), "--timeout", "100"])
    assert result.exit_code == (0 if right else 1), result.output
    assert ("differs" in result.output) != right
    assert "checked at" in result.output


WINDOW = """
import numpy as np
class Windows:
    def __init__(self, channels, filters, width, stride=2, margin=1):
        self.w = np.random.randn(filters, channels, width)
        self.b = np.zeros(filters)
        self.stride, self.margin = stride, margin
    def forward(self, x):
        s, p, K = self.stride, self.margin, self.w.shape[2]
        self.padded = np.pad(x, ((0, 0), (0, 0), (p, p)))
        N, C, self.length = x.shape
        out = np.zeros((N, self.w.shape[0], (self.length + 2 * p - K) // s + 1))
        for j in range(out.shape[2]):
            window = self.padded[:, :, j * s:j * s + K]
            out[:, :, j] = np.tensordot(window, self.w, axes=([1, 2], [1, 2])) + self.b
        return out
    def backward(self, dout):
        s, p, K = self.stride, self.margin, self.w.shape[2]
        self.dw = np.zeros_like(self.w)
        self.db = dout.sum(axis=(0, 2))
        dpadded = np.zeros_like(self.padded)
        for j in range(dout.shape[2]):
            at = slice(j * s, j * s + K)
            self.dw += np.tensordot(dout[:, :, j], self.padded[:, :, at], axes=([0], [0]))
            dpadded[:, :, at] += np.tensordot(dout[:, :, j], self.w, axes=([1], [0]))
        return dpadded[:, :, p:p + self.length]
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new"),
    [("", ""), ("self.dw +=", "self.dw ="), ("at] +=", "at] ="), ("slice(j * s, j * s + K)", "slice(j, j + K)")],
    ids=["right", "overwritten", "overwritten where windows overlap", "no stride"],
)
def test_a_window_fits_more_than_once(old: str, new: str, tmp_path: Path) -> None:
    """Of a single window it is not seen whether what comes through several is added up, nor where the next one stands."""
    file = tmp_path / "layer.py"
    file.write_text(WINDOW.replace(old, new) if old else WINDOW, encoding="utf-8")
    result = CliRunner().invoke(cli, ["check", str(file), "--timeout", "100"])
    assert result.exit_code == (1 if old else 0), result.output
    assert ("differs" in result.output) == bool(old)


def test_each_other_setting_is_made_once() -> None:
    param = {"stride": 1, "pad": (0, 0), "pad_mode": "zero"}
    values = {("function", "x"): 1.5, ("function", "param"): param, ("class", "pad_it"): True}
    found = [made["function", "param"] for made in other_settings(values)]
    wanted = [{**param, "stride": stride, "pad": (pad, pad)} for stride, pad in [(1, 1), (2, 0), (2, 1)]]
    assert sorted(map(str, found)) == sorted(map(str, wanted))
    assert [*other_settings({("function", "x"): 1, ("class", "padding_idx"): 0, ("class", "pad_value"): 1})] == []
