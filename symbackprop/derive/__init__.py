"""How a network is differentiated: one reverse sweep, local derivatives, chains, rule-by-rule steps, matrix form."""

from symbackprop.derive.derivation import Derivation, Gradient, derive
from symbackprop.derive.records import Adjoint, Assumption, Contribution, RawContribution, Rewrite

__all__ = [
    "Adjoint",
    "Assumption",
    "Contribution",
    "Derivation",
    "Gradient",
    "RawContribution",
    "Rewrite",
    "derive",
]
