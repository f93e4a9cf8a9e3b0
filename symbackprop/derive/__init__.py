"""How a network is differentiated: one reverse sweep, local derivatives, chains, rule-by-rule steps, matrix form."""

from symbackprop.derive.sweep.derivation import DerivationRecord, GradientRecord, derive
from symbackprop.derive.sweep.records import Adjoint, Assumption, Contribution, RawContribution, Rewrite

__all__ = [
    "Adjoint",
    "Assumption",
    "Contribution",
    "DerivationRecord",
    "GradientRecord",
    "RawContribution",
    "Rewrite",
    "derive",
]
