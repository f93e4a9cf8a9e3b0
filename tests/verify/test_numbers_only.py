"""Code that gives only numbers, compiled or hiding what it depends on, agrees at most, and still differs when wrong."""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from symbackprop.derive import DerivationRecord, derive
from symbackprop.network import Network
from symbackprop.verify.check import check_gradient
from symbackprop.verify.records import Status

library = ctypes.CDLL(ctypes.util.find_library("m"))
library.pow.restype = ctypes.c_double
library.pow.argtypes = [ctypes.c_double, ctypes.c_double]
powers: Callable[..., Any] = partial(library.pow)


def derivation() -> DerivationRecord:
    net = Network("a power")
    x, w = net.inputs("x", values=(0.5,)), net.parameters("w", values=(0.75,))
    return derive(net, net.define("L", x * w**3))


def foreign(x, w):
    return {"w": 3 * x * library.pow(w, 2.0)}


def foreign_wrong(x, w):
    return {"w": 2.99999 * x * library.pow(w, 2.0)}


def partial_of_foreign(x, w):
    return {"w": 3 * x * powers(w, 2.0)}


def partial_of_foreign_wrong(x, w):
    return {"w": 3 * x * powers(w, 3.0)}


def text(x, w):
    return {"w": 3 * x * float(str(float(w))) ** 2}


def text_wrong(x, w):
    return {"w": 3 * x * float(str(float(w)))}


RIGHT = (foreign, partial_of_foreign, text, np.vectorize(lambda x, w: 3 * x * library.pow(w, 2.0)))
WRONG = (foreign_wrong, partial_of_foreign_wrong, text_wrong, np.vectorize(lambda x, w: 3 * x * library.pow(w, 3.0)))


@pytest.mark.parametrize("hand", RIGHT)
def test_right_numbers_agree_and_never_more(hand: Any) -> None:
    report = check_gradient(derivation(), hand)
    assert report["w"].status is Status.AGREES, str(report)
    assert report["w"].digits >= 13
    assert not report.scope.exact
    assert "float64" in str(report)


@pytest.mark.parametrize("hand", WRONG)
def test_wrong_numbers_differ(hand: Any) -> None:
    assert check_gradient(derivation(), hand, explain=False, repair=False)["w"].status is Status.DIFFERS
