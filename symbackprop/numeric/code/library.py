"""How each function is spelt in generated source, and the helper it needs there: the elementary ones, and those with a sum."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from symbackprop.functions import BY_NAME
from symbackprop.functions.row import Source

_SUMS: Mapping[str, Source] = {
    "softmax": Source(
        "", "softmax", "",
        '''
def softmax(z, axis):
    """exp(z)/sum(exp(z)) along an axis. Subtracting the largest entry cancels in the quotient, and exp cannot overflow."""
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    e /= e.sum(axis=axis, keepdims=True)
    return e
''',
    ),
    "log_softmax": Source(
        "", "log_softmax", "",
        '''
def log_softmax(z, axis):
    """log(exp(z)/sum(exp(z))) along an axis, with the largest entry subtracted: neither exp overflows nor log meets 0."""
    z = z - z.max(axis=axis, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=axis, keepdims=True))
''',
    ),
    "logsumexp": Source(
        "", "logsumexp", "",
        '''
def logsumexp(z, axis):
    """log(sum(exp(z))) along an axis (or several); the largest entry is taken out of the sum, so exp cannot overflow."""
    largest = z.max(axis=axis, keepdims=True)
    return largest.squeeze(axis) + np.log(np.exp(z - largest).sum(axis=axis))
''',
    ),
    "sum_before": Source(
        "", "sum_before", "",
        '''
def sum_before(z, axis):
    """At each place along an axis the sum of what stands before it."""
    moved = np.roll(z, 1, axis=axis)
    moved[(slice(None),)*axis + (0,)] = 0
    return np.cumsum(moved, axis=axis)
''',
    ),
    "softmax_of": Source(
        "softmax_of", "softmax_of",
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
    "logsumexp_of": Source(
        "logsumexp_of", "logsumexp_of",
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
}  # fmt: skip

#: Helpers that write a definition as it stands: for values at which nothing overflows.
UNGUARDED: Mapping[str, str] = MappingProxyType(
    {
        "sigmoid": '''
def sigmoid(x):
    """1/(1 + exp(-x))"""
    return 1/(1 + np.exp(-x))
''',
        "softmax": '''
def softmax(z, axis):
    """exp(z)/sum(exp(z)) along an axis"""
    e = np.exp(z)
    return e/e.sum(axis=axis, keepdims=True)
''',
        "log_softmax": '''
def log_softmax(z, axis):
    """log(exp(z)/sum(exp(z))) along an axis"""
    return z - np.log(np.exp(z).sum(axis=axis, keepdims=True))
''',
        "logsumexp": '''
def logsumexp(z, axis):
    """log(sum(exp(z))) along an axis (or several)"""
    return np.log(np.exp(z).sum(axis=axis))
''',
    }
)
#: The source of every function by its name.
SOURCES: Mapping[str, Source] = MappingProxyType({**{row.name: row.source for row in BY_NAME.values()}, **_SUMS})
