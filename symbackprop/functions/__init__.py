"""Elementary functions: one row for one function, which every room reads.

A family is a module (`logistic`, `hyperbolic` …) with its functions and their `ROWS`; `row` says what the columns are; `table`
lists all rows by sympy class and by name; `definitions` works a function out in any arithmetic. The room is the first after
the errors: printers and readers of formulas take the spellings, networks and the sweep the slopes, the generator the source, the
tracer the values.

Where a function has a kink or a jump, the row states the convention used there; it travels with every derivation that needs it:
nothing is differentiated silently at a point where it has no derivative (Goodfellow, Bengio, Courville 2016, ch. 6.3).
"""

# ruff: noqa: F403 - each family lists in its __all__ what it exports

from symbackprop.functions import (
    comparisons,
    exponential,
    gaussian,
    hyperbolic,
    logistic,
    matrices,
    powers,
    rectifiers,
    reductions,
    trigonometric,
)
from symbackprop.functions.comparisons import *
from symbackprop.functions.exponential import *
from symbackprop.functions.gaussian import *
from symbackprop.functions.hyperbolic import *
from symbackprop.functions.logistic import *
from symbackprop.functions.matrices import *
from symbackprop.functions.powers import *
from symbackprop.functions.rectifiers import *
from symbackprop.functions.reductions import *
from symbackprop.functions.row import ElementaryFunction, NamedFunction
from symbackprop.functions.table import BY_ANY_NAME, BY_NAME, ELEMENTARY, function_name, partial
from symbackprop.functions.trigonometric import *

__all__ = ["BY_ANY_NAME", "BY_NAME", "ELEMENTARY", "ElementaryFunction", "NamedFunction", "function_name", "partial"]
__all__ += comparisons.__all__
__all__ += exponential.__all__
__all__ += gaussian.__all__
__all__ += hyperbolic.__all__
__all__ += logistic.__all__
__all__ += matrices.__all__
__all__ += powers.__all__
__all__ += rectifiers.__all__
__all__ += reductions.__all__
__all__ += trigonometric.__all__
