"""How people name gradients: `dW`, `d_w1`, `grad_w`, `dL_dw1`, `d_ypred_d_w5`, and which node of a network a name means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_LOSSES = frozenset({"l", "e", "j", "c", "loss", "cost", "error", "err", "total", "objective"})
_PREFIX = re.compile(r"^(?:d_|d|grads?_|g_|g|grad|gradient_|delta_|delta|nabla_|del_|bar_)(?=[^\W\d_]|\d|_)", re.IGNORECASE)
_SUFFIX = re.compile(r"(?:_grads?|_gradient|_g|_bar|grad|_delta|_new|_next|_updated)$", re.IGNORECASE)
_QUOTIENT = re.compile(r"^(?:d|D|∂|delta|grad)_?(?P<top>\w+?)_(?:wrt_|d_?|D_?|∂_?)(?P<bottom>\w+)$")

INPUTS = frozenset({"x", "inputs", "input", "data", "features", "z", "a0", "x_data", "batch"})
TARGETS = frozenset({"y", "t", "target", "targets", "label", "labels", "y_true", "ytrue", "t_true", "truth", "y_data"})
GROUPS = frozenset({"params", "parameters", "weights", "theta", "p", "model", "values", "net", "state"})
CACHES = frozenset({"cache", "saved", "tape", "memory", "ctx", "forward_cache", "intermediates"})
RATES = frozenset({"lr", "eta", "alpha", "learning_rate", "learn_rate", "learningrate", "rate", "step_size", "lrate", "stepsize"})


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a variable name says: ∂top/∂bottom (`top` empty for the loss), or a plain name."""

    top: str
    bottom: str


def plain(name: str) -> str:
    """Return a name without case and underscores, for comparing spellings: `d_yPred` → `dypred`."""
    return name.replace("_", "").replace("∂", "d").lower()


def match(name: str, known: Sequence[str]) -> str | None:
    """Return the known name that is meant: itself, or the only one that is spelt the same but for case and underscores."""
    if name in known:
        return name
    close = [other for other in known if plain(other) == plain(name)]
    return close[0] if len(close) == 1 else None


def is_loss(name: str, loss: str) -> bool:
    """Whether a name means the loss: its own name, the beginning of it, or one of the usual letters."""
    return plain(name) == plain(loss) or plain(name) in _LOSSES or plain(loss).startswith(plain(name))


def gradient_of(name: str, known: Sequence[str], loss: str) -> str | None:
    """Return the node whose gradient a result called `name` must be; None when the name says nothing."""
    meaning = quotient(name, known, loss)
    if meaning is not None:
        return meaning.bottom if not meaning.top else None
    return next((found for bare in _bare(name) if (found := match(bare, known)) is not None), None)


def quotient(name: str, known: Sequence[str], loss: str) -> Meaning | None:
    """Read `d_A_d_B`, `dA_dB`, `dA_wrt_B`; both sides must be nodes (or the loss). None when it is no such name."""
    parts = re.split(r"_?(?:_wrt_|_d_|_d(?=[^\W_]))", name)
    for cut in range(1, len(parts)):
        for left, right in _cuts(name):
            top = left[1:] if left[:1] in "dD∂" else left
            found_top, found_bottom = match(top.strip("_"), known), match(right.strip("_"), known)
            if found_bottom is None:
                continue
            if is_loss(top.strip("_"), loss):
                return Meaning("", found_bottom)
            if found_top is not None:
                return Meaning(found_top, found_bottom)
        if cut:
            break
    return None


def _cuts(name: str) -> Iterable[tuple[str, str]]:
    """Yield every way to read a name as numerator and denominator."""
    for at in re.finditer(r"_(?:wrt_|d_?|D_?|∂_?)(?=\w)", name):
        if name[:1] in "dD∂":
            yield name[: at.start()], name[at.end() :]


def _bare(name: str) -> Iterable[str]:
    yield name
    without = _PREFIX.sub("", name, count=1)
    if without != name:
        yield without
        yield _SUFFIX.sub("", without, count=1)
    yield _SUFFIX.sub("", name, count=1)


def is_gradient_name(name: str, known: Sequence[str], loss: str) -> bool:
    """Whether a name speaks of a gradient (not of the parameter itself)."""
    return match(name, known) is None and gradient_of(name, known, loss) is not None
