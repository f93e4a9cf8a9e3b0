"""How each elementary function is spelt in generated source, and the helper it needs there.

Where the textbook definition overflows or cancels, the helper computes a stable form of the same function and its docstring,
which becomes part of the generated source, gives the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from symbackprop.errors import InternalError


@dataclass(frozen=True, slots=True)
class Spelling:
    """The call that stands for function `name`: on floats (`scalar`) and on arrays (`array`), with the source of its helper.

    An empty helper means that the call is builtin, in `math`, or in numpy. `needs` are the names the scalar helper takes from
    `math`; `needs_array` those of the array helper.
    """

    name: str
    scalar: str
    array: str
    scalar_helper: str = ""
    array_helper: str = ""
    needs: tuple[str, ...] = ()
    needs_array: tuple[str, ...] = ()


_ROWS: tuple[Spelling, ...] = (
    Spelling(
        "sigmoid", "sigmoid", "sigmoid",
        '''
def sigmoid(x):
    """1/(1 + exp(-x)). Below -700 exp(-x) would overflow; there the value is exp(x) to the last digit."""
    return 1/(1 + exp(-x)) if x > -700 else exp(x)
''',
        '''
def sigmoid(x):
    """1/(1 + exp(-x)). Below -700 exp(-x) would overflow, and the value is zero to 300 digits: x is cut off there."""
    return 1/(1 + np.exp(-np.maximum(x, -700)))
''',
        ("exp",),
    ),
    Spelling(
        "softplus", "softplus", "softplus",
        '''
def softplus(x):
    """log(1 + exp(x)), written so that exp never overflows and small values keep their digits."""
    return max(x, 0.0) + log1p(exp(-abs(x)))
''',
        '''
def softplus(x):
    """log(1 + exp(x)), written so that exp never overflows and small values keep their digits."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))
''',
        ("exp", "log1p"),
    ),
    Spelling(
        "silu", "silu", "silu",
        '''
def silu(x):
    """x*sigmoid(x). Below -700 exp(-x) would overflow; there the value is x*exp(x) to the last digit."""
    return x/(1 + exp(-x)) if x > -700 else x*exp(x)
''',
        '''
def silu(x):
    """x*sigmoid(x). Below -700 exp(-x) would overflow, and the value is zero to 300 digits: the exponent is cut off there."""
    return x/(1 + np.exp(-np.maximum(x, -700)))
''',
        ("exp",),
    ),
    Spelling(
        "gelu", "gelu", "gelu",
        '''
def gelu(x):
    """x/2*(1 + erf(x/sqrt(2))); 1 + erf loses its digits for x << 0, erfc(-z) = 1 + erf(z) does not."""
    return 0.5*x*erfc(-0.7071067811865476*x)
''',
        '''
def gelu(x):
    """x/2*(1 + erf(x/sqrt(2))); 1 + erf loses its digits for x << 0, erfc(-z) = 1 + erf(z) does not."""
    x = np.asarray(x)
    return 0.5*x*np.array([math.erfc(-0.7071067811865476*v) for v in x.ravel()]).reshape(x.shape)
''',
        ("erfc",), ("math",),
    ),
    Spelling(
        "gelu_tanh", "gelu_tanh", "gelu_tanh",
        '''
def gelu_tanh(x):
    """x/2*(1 + tanh(sqrt(2/pi)*(x + 0.044715*x**3)))"""
    return 0.5*x*(1 + tanh(0.7978845608028654*(x + 0.044715*x*x*x)))
''',
        '''
def gelu_tanh(x):
    """x/2*(1 + tanh(sqrt(2/pi)*(x + 0.044715*x**3)))"""
    return 0.5*x*(1 + np.tanh(0.7978845608028654*(x + 0.044715*x*x*x)))
''',
        ("tanh",),
    ),
    Spelling(
        "relu", "relu", "relu",
        '''
def relu(x):
    """x where x > 0, else 0"""
    return x if x > 0 else 0.0
''',
        '''
def relu(x):
    """x where x > 0, else 0"""
    return np.maximum(x, 0)
''',
    ),
    Spelling(
        "leaky_relu", "leaky_relu", "leaky_relu",
        '''
def leaky_relu(x, alpha):
    """x where x > 0, else alpha*x"""
    return x if x > 0 else alpha*x
''',
        '''
def leaky_relu(x, alpha):
    """x where x > 0, else alpha*x"""
    return np.where(x > 0, x, alpha*x)
''',
    ),
    Spelling(
        "elu", "elu", "elu",
        '''
def elu(x, alpha):
    """x where x > 0, else alpha*(exp(x) - 1), with expm1 to keep the digits near 0"""
    return x if x > 0 else alpha*expm1(x)
''',
        '''
def elu(x, alpha):
    """x where x > 0, else alpha*(exp(x) - 1), with expm1 to keep the digits near 0; exp is never asked for a large x"""
    return np.where(x > 0, x, alpha*np.expm1(np.minimum(x, 0)))
''',
        ("expm1",),
    ),
    Spelling(
        "step", "step", "step",
        '''
def step(x):
    """1 where x > 0, else 0"""
    return 1.0 if x > 0 else 0.0
''',
        '''
def step(x):
    """1 where x > 0, else 0"""
    return np.where(x > 0, 1.0, 0.0)
''',
    ),
    Spelling(
        "sign", "sign", "np.sign",
        '''
def sign(x):
    """-1, 0 or 1"""
    return float((x > 0) - (x < 0))
''',
    ),
    Spelling("maximum", "max", "np.maximum"),
    Spelling("minimum", "min", "np.minimum"),
    Spelling("Abs", "abs", "np.abs"),
    Spelling(
        "erf", "erf", "erf", "",
        '''
def erf(x):
    """The error function, which numpy does not have"""
    x = np.asarray(x)
    return np.array([math.erf(v) for v in x.ravel()]).reshape(x.shape)
''',
        ("erf",), ("math",),
    ),
    Spelling(
        "softmax", "", "softmax", "",
        '''
def softmax(z, axis):
    """exp(z)/sum(exp(z)) along an axis. Subtracting the largest entry cancels in the quotient, and exp cannot overflow."""
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    e /= e.sum(axis=axis, keepdims=True)
    return e
''',
    ),
    Spelling(
        "log_softmax", "", "log_softmax", "",
        '''
def log_softmax(z, axis):
    """log(exp(z)/sum(exp(z))) along an axis, with the largest entry subtracted: neither exp overflows nor log meets 0."""
    z = z - z.max(axis=axis, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=axis, keepdims=True))
''',
    ),
    Spelling(
        "logsumexp", "", "logsumexp", "",
        '''
def logsumexp(z, axis):
    """log(sum(exp(z))) along an axis (or several); the largest entry is taken out of the sum, so exp cannot overflow."""
    largest = z.max(axis=axis, keepdims=True)
    return largest.squeeze(axis) + np.log(np.exp(z - largest).sum(axis=axis))
''',
    ),
    Spelling(
        "softmax_of", "softmax_of", "softmax_of",
        '''
def softmax_of(z, *all_z):
    """exp(z)/sum(exp(all_z)). Subtracting the largest entry cancels in the quotient, and exp cannot overflow."""
    largest = max(all_z)
    return exp(z - largest)/sum([exp(v - largest) for v in all_z])
''',
        '''
def softmax_of(z, *all_z):
    """exp(z)/sum(exp(all_z)). Subtracting the largest entry cancels in the quotient, and exp cannot overflow."""
    largest = np.maximum.reduce(all_z)
    return np.exp(z - largest)/sum([np.exp(v - largest) for v in all_z])
''',
        ("exp",),
    ),
    Spelling(
        "logsumexp_of", "logsumexp_of", "logsumexp_of",
        '''
def logsumexp_of(*all_z):
    """log(sum(exp(all_z))); the largest entry is taken out of the sum, so exp cannot overflow."""
    largest = max(all_z)
    return largest + log(sum([exp(v - largest) for v in all_z]))
''',
        '''
def logsumexp_of(*all_z):
    """log(sum(exp(all_z))); the largest entry is taken out of the sum, so exp cannot overflow."""
    largest = np.maximum.reduce(all_z)
    return largest + np.log(sum([np.exp(v - largest) for v in all_z]))
''',
        ("exp", "log"),
    ),
)  # fmt: skip


def _table(rows: tuple[Spelling, ...]) -> Mapping[str, Spelling]:
    table: dict[str, Spelling] = {}
    for row in rows:
        if row.name in table:
            raise InternalError(f"spelling of {row.name} is registered twice")
        table[row.name] = row
    return MappingProxyType(table)


#: Spellings by function name. Functions that are not here are spelt by sympy's own code printers.
SPELLINGS: Mapping[str, Spelling] = _table(_ROWS)
