"""How people name gradients: `dW`, `d_w1`, `grad_w`, `dL_dw1`, `dJdW`, `d_yp_d_w5`, and which node of a network a name means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

_LOSSES = frozenset({"l", "e", "j", "c", "loss", "cost", "error", "err", "total", "objective"})
_PREFIXES = (
    "gradients_",
    "gradient_",
    "grads_",
    "grad_",
    "grad",
    "delta_",
    "delta",
    "nabla_",
    "del_",
    "bar_",
    "d_",
    "d",
    "∂",
    "g_",
    "g",
)
_SUFFIX = re.compile(r"(?:_?grads?|_?gradients?|_g|_bar|_delta|_new|_next|_updated)$", re.IGNORECASE)
_BARS = re.compile(r"_(?:wrt_|d_?|D_?|∂_?)(?=\w)|(?<=\w)[d∂](?=\w)")

_STEMS = (frozenset({"w", "ws", "weight", "weights"}), frozenset({"b", "bs", "bias", "biases"}))
_NUMBERED = re.compile(r"([A-Za-z]+)[_.]?[0-9]+")

INPUTS = frozenset(
    {"x", "xs", "inputs", "input", "data", "features", "z", "a0", "x_data", "batch", "x_train", "x_test", "x_val", "x_batch"}
)
TARGETS = frozenset(
    {
        "y",
        "t",
        "target",
        "targets",
        "label",
        "labels",
        "y_true",
        "ytrue",
        "t_true",
        "truth",
        "y_data",
        "y_train",
        "y_test",
        "y_val",
        "y_batch",
    }
)
GROUPS = frozenset({"params", "parameters", "weights", "theta", "p", "model", "values", "net", "state"})
CACHES = frozenset({"cache", "saved", "tape", "memory", "ctx", "forward_cache", "intermediates"})
RATES = frozenset(
    {"lr", "eta", "alpha", "learning_rate", "learn_rate", "learningrate", "rate", "l_rate", "step_size", "lrate", "stepsize"}
)


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a variable name says: ∂top/∂bottom (`top` empty for the loss), or a plain name."""

    top: str
    bottom: str


def plain(name: str) -> str:
    """Return a name without case, dots and underscores, for comparing spellings: `d_yPred` → `dypred`, `l1.W` → `l1w`."""
    return name.replace("_", "").replace(".", "").replace("∂", "d").lower()


def match(name: str, known: Sequence[str]) -> str | None:
    """Return the known name that is meant: itself, or the only one that is spelt the same but for case and underscores."""
    if name in known:
        return name
    close = _by_spelling(tuple(known)).get(plain(name), ())
    return close[0] if len(close) == 1 else None


@lru_cache(maxsize=64)
def _by_spelling(known: tuple[str, ...]) -> dict[str, list[str]]:
    """Return known names by what they are without case and underscores."""
    found: dict[str, list[str]] = {}
    for name in known:
        found.setdefault(plain(name), []).append(name)
    return found


def with_stem(name: str, known: Sequence[str]) -> list[str]:
    """Return the numbered names that a list called `weights` or `nabla_b` holds: W1, W2 …, or weights.0, weights.1 …."""
    stems = next((stems for stems in _STEMS if any(bare.lower() in stems for bare in _bare(name))), frozenset())
    return [other for other in known if (at := _NUMBERED.fullmatch(other)) and at[1].lower() in stems]


def is_loss(name: str, loss: str) -> bool:
    """Whether a name means the loss: its own name, the beginning of it, or one of the usual letters."""
    return plain(name) == plain(loss) or plain(name) in _LOSSES or plain(loss).startswith(plain(name))


def gradient_of(name: str, known: Sequence[str], loss: str) -> str | None:
    """Return the node whose gradient a result called `name` must be; None when the name says nothing."""
    meaning = quotient(name, known, loss)
    if meaning is not None:
        return meaning.bottom if not meaning.top else None
    found = next((found for bare in _bare(name) if (found := match(bare, known)) is not None), None)
    return found if found is not None else _delta(name, known)


def _delta(name: str, known: Sequence[str]) -> str | None:
    """Read `delta_o1` or `delta2`: the adjoint of the weighted sum of that unit or layer, `net_o1` or `z2`."""
    bare = re.sub(r"^(?:delta|d)_?", "", name, flags=re.IGNORECASE)
    if bare == name or not bare:
        return None
    wanted = [plain(f"{start}{bare}") for start in ("net_", "z_", "a_", "sum_", "in_", "s_")]
    found = [other for spelling in wanted for other in known if plain(other) == spelling]
    return found[0] if found else None


def quotient(name: str, known: Sequence[str], loss: str) -> Meaning | None:
    """Read `d_A_d_B`, `dA_dB`, `dAdB`, `dA_wrt_B`; both sides must be nodes (or A the loss). None when it is no such name."""
    if name[:1] not in ("d", "D", "∂"):
        return None
    for bar in _BARS.finditer(name):
        top, bottom = name[1 : bar.start()].strip("_"), match(name[bar.end() :].strip("_"), known)
        if bottom is None or not top:
            continue
        found = match(top, known)
        if found is not None and found != loss:
            return Meaning(found, bottom)
        if is_loss(top, loss):
            return Meaning("", bottom)
    return None


def _bare(name: str) -> Iterable[str]:
    """Yield a name, and what is left of it without the usual beginnings and endings."""
    yield name
    for prefix in _PREFIXES:
        if name.lower().startswith(prefix) and len(name) > len(prefix):
            yield name[len(prefix) :]
            yield _SUFFIX.sub("", name[len(prefix) :], count=1)
    yield _SUFFIX.sub("", name, count=1)


def is_gradient_name(name: str, known: Sequence[str], loss: str) -> bool:
    """Whether a name speaks of a gradient (not of the parameter itself)."""
    return match(name, known) is None and gradient_of(name, known, loss) is not None


def is_target(name: str) -> bool:
    """Whether an argument is called like a target, of which nobody asks a gradient."""
    return name.lower() in TARGETS or bool(_TARGET.match(name))


_TARGET = re.compile(
    r"labels?|targets?|truth|true_|actual|correct|expected|desired|one_?hot"
    r"|(?:y|t)_?(?:true|train|batch|test|real|data|i|s)?$",
    re.IGNORECASE,
)
