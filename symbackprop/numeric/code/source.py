"""Readable source of a derivation: `loss_and_gradients(X, W, b, t)` in straight lines, one for each node and each adjoint.

A network of scalars becomes plain float arithmetic with `math`; a network with indices, or one run over many samples at once,
becomes numpy.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal

from sympy import Add, Expr, Indexed, Integer, KroneckerDelta, Mul, Symbol, preorder_traversal
from sympy.core.relational import Relational

from symbackprop.derive.sweep.derivation import DerivationRecord
from symbackprop.functions import sigmoid, step
from symbackprop.network.model import Network
from symbackprop.numeric.code.arrays import Scope, full
from symbackprop.numeric.code.elementwise import emit
from symbackprop.numeric.code.library import SOURCES, UNGUARDED
from symbackprop.numeric.code.margins import zero_outside
from symbackprop.numeric.code.parameter_layout import (
    INDENT,
    assignment,
    comment,
    docstring,
    listing,
    quoted,
    shape_text,
    size_lines,
)
from symbackprop.numeric.code.printing import FloatPrinter, FormulaPrinter, PrintedSymbol
from symbackprop.numeric.code.scatter import scatter_lines
from symbackprop.numeric.code.templates import Templates
from symbackprop.numeric.program.batch import program_over_samples
from symbackprop.numeric.program.factors import names_in
from symbackprop.numeric.program.optimise import optimised
from symbackprop.numeric.program.program import ComputedLine, Program, forward_program, program_of, shapes_of
from symbackprop.numeric.program.python_names import Identifiers, name_of

Reduction = Literal["mean", "sum"]
_WHY_TWO_FORMS = "sigmoid: exp(-x) overflows for x < -709; below -700 the same is written as exp(x)/(1 + exp(x))"
_VIEW = re.compile(r"\w+(\[[^\]]*\]|\.T|\.swapaxes\([^)]*\)|\.transpose\([^)]*\))*|np\.einsum\(\"\w+->\w+\", \w+\)")
_LONGEST_SUM = 200  # terms in one statement; the compiler's own recursion limit is a few thousand


def source(derivation: DerivationRecord, batched: bool = False, reduction: Reduction = "mean", guarded: bool = True) -> str:
    """Return Python source of a function `loss_and_gradients` of the declared values: `loss, {name: gradient}`.

    With `batched` every input and target has one more axis in front, one entry for each sample; the loss is then the mean (or
    the sum) of the samples' losses. Names that Python or numpy use are written with an underscore after them. Where it is not
    `guarded`, an exponential may overflow: the definitions are written as they stand.
    """
    program = program_over_samples(derivation, reduction) if batched else program_of(derivation)
    return gradient_source(optimised(program, derivation.network.facts), guarded)


def gradient_source(program: Program, guarded: bool = True) -> str:
    """Return the source of `loss_and_gradients` for a program."""
    return _written(program, "loss_and_gradients", everything=False, guarded=guarded)


def forward_source(network: Network) -> str:
    """Return the source of a function `forward` that returns all defined nodes by name."""
    program = forward_program(network)
    names = frozenset(line.name for line in program.lines)
    return _written(optimised(program, (), names), "forward", everything=True)


def trace_source(derivation: DerivationRecord) -> str:
    """Return the source of a function `forward` that returns all nodes up to the loss and all adjoints by name."""
    program = program_of(derivation)
    names = frozenset(line.name for line in program.lines)
    return _written(optimised(program, derivation.network.facts, names), "forward", everything=True)


def identifiers_of(program: Program) -> Identifiers:
    """Return the identifiers of a program's names: arguments first, so that they keep their names if any can."""
    return Identifiers([node.name for node in program.arguments] + [line.name for line in program.lines])


def _written(program: Program, function: str, everything: bool, guarded: bool = True) -> str:
    body = body_of(program, everything, guarded)
    lines = body.lines()
    names = [body.identifiers[node.name] for node in program.given]
    head = listing(names, f"def {function}(", "):", INDENT * 2)
    result = _everything(program, body.identifiers) if everything else _result(program, body)
    definition = [*head, *_docstring(program, body.identifiers, everything), *lines, *result]
    return file_of(body, definition)


def body_of(program: Program, everything: bool = False, guarded: bool = True) -> FunctionBody:
    """Return the statements of a program, on plain floats or on arrays."""
    return (_ScalarBody if program.scalar else _ArrayBody)(program, everything, guarded)


def file_of(body: FunctionBody, definition: Sequence[str]) -> str:
    """Return the lines of a function below what they import and the helpers that they call."""
    blocks = ["\n".join(body.imports()), *body.helpers(), "\n".join(definition)]
    return "\n\n\n".join(block for block in blocks if block) + "\n"


def _docstring(program: Program, identifiers: Identifiers, everything: bool) -> list[str]:
    what = "all values by name" if everything else f"{program.loss} and its gradients"
    groups: dict[tuple[str, str, str], list[str]] = {}
    for node in program.given:
        spelt = identifiers[node.name]
        shape = shape_text(node)
        alone = "" if len(program.given) > 8 else node.name
        groups.setdefault((node.role.value, shape, alone), []).append(
            spelt if spelt == node.name else f"{spelt} (named {node.name})"
        )
    lines = [f"{program.title}: {what}.", ""]
    for (role, shape, _), names in groups.items():
        words = f"{role}{'s' if len(names) > 1 else ''}"
        lines += comment(f"{', '.join(names)}: {words}, {_each(shape, len(names))}", INDENT, "")
    if program.remarks:
        lines += ["", *(line for remark in program.remarks for line in comment(remark, INDENT, ""))]
    return docstring(lines)


def _each(shape: str, count: int) -> str:
    if shape == "a number":
        return "a number" if count == 1 else "numbers"
    return shape if count == 1 else f"each {shape}"


def _result(program: Program, body: FunctionBody) -> list[str]:
    loss = body.identifiers[program.loss]
    items = [f"{quoted(name)}: {text or body.zeros(name)}" for name, text in body.gradients()]
    return listing(items, f"{INDENT}return {loss}, {{", "}", INDENT * 2)


def _everything(program: Program, identifiers: Identifiers) -> list[str]:
    items = [f"{quoted(line.name)}: {identifiers[line.name]}" for line in program.lines]
    return listing(items, f"{INDENT}return {{", "}", INDENT * 2)


class FunctionBody:
    """The statements of a function; the two kinds of body differ in how an expression is written."""

    def __init__(self, program: Program, guarded: bool) -> None:
        self.program = program
        self.guarded = guarded
        self.identifiers = identifiers_of(program)
        self.ranks = _ranks(program)
        self.templates = Templates(self.ranks)
        self.formulas = FormulaPrinter(self._formula_leaf)

    def lines(self) -> list[str]:
        """Return all statements."""
        raise NotImplementedError

    def imports(self) -> list[str]:
        """Return the import statements that the lines need."""
        raise NotImplementedError

    def helpers(self) -> list[str]:
        """Return the definitions of the helpers that the lines call, each as one text."""
        raise NotImplementedError

    def zeros(self, name: str) -> str:
        """Return the gradient of a name that the loss does not depend on."""
        raise NotImplementedError

    def value(self, adjoint: str) -> str:
        """Return how a gradient is given back."""
        return self.identifiers[adjoint]

    def gradients(self) -> Iterator[tuple[str, str]]:
        """Yield the names whose gradients are given back, each with its text, empty where the loss does not depend on it."""
        for name, adjoint, place in self.program.returned:
            text = self.value(adjoint) if adjoint else ""
            yield name, f"{text}[{', '.join(map(str, place))}]" if text and place else text

    def _formula_leaf(self, symbol: Expr) -> PrintedSymbol:
        name = name_of(symbol)
        spelt = self.templates.blanks.get(name, name)
        text = spelt if symbol.is_Symbol else self.formulas.entry(spelt, symbol)
        return PrintedSymbol(text, self.ranks.get(name, 0))

    def _spelt(self, name: str) -> str:
        """Return a name as code has it, or as the blank that stands for it in a template."""
        return self.templates.blanks.get(name) or self.identifiers[name]

    def statement(self, line: ComputedLine) -> list[str]:
        """Return the statements of one line."""
        raise NotImplementedError

    def sections(self) -> list[str]:
        """Return the forward and the backward part under their titles."""
        program = self.program
        lines = [f"{INDENT}# forward", *(text for line in program.forward for text in self.statement(line))]
        if program.backward:
            lines += ["", f"{INDENT}# backward: {program.prefix}A is the derivative of {program.loss} with respect to A"]
            lines += [text for line in program.backward for text in self.statement(line)]
        return lines


class _ScalarBody(FunctionBody):
    """Plain floats and `math`."""

    def __init__(self, program: Program, everything: bool, guarded: bool) -> None:
        super().__init__(program, guarded)
        self.explained = False
        self.printer = FloatPrinter(lambda symbol: PrintedSymbol(self._spelt(symbol.name), self.ranks[symbol.name]))
        self.at_the_end = {} if everything else self._products()

    def _products(self) -> dict[str, str]:
        """Return the gradients that are a single product nobody else needs: `δ·x` of a weight stands in the result itself."""
        used = names_in(expression for line in self.program.lines for expression in line.expressions)
        wanted = {adjoint for _, adjoint in self.program.gradients} - used
        lines = [line for line in self.program.backward if line.name in wanted]
        return {line.name: self._text(line.terms[0]) for line in lines if isinstance(line.terms[0], Mul)}

    def _text(self, expression: Expr, one_line: bool = False) -> str:
        def write() -> tuple[str]:
            sigmoid_of = expression.args[0] if one_line else None
            return (
                self.printer.one_line_sigmoid(sigmoid_of, self.guarded) if one_line else str(self.printer._print(expression)),
            )

        return self.templates.written((expression,), one_line, write, (self.identifiers.__getitem__,))[0]

    def lines(self) -> list[str]:
        return [*self.sections(), ""]

    def statement(self, line: ComputedLine) -> list[str]:
        if line.name in self.at_the_end:
            return []
        target = self.identifiers[line.name]
        (expression,) = line.terms or (Integer(0),)
        if isinstance(expression, sigmoid) and isinstance(expression.args[0], Symbol):
            why = [] if self.explained or not self.guarded else comment(_WHY_TWO_FORMS)
            self.explained = True
            return why + assignment(target, self._text(expression, one_line=True))
        if isinstance(expression, Add) and len(expression.args) > _LONGEST_SUM:
            args = expression.args
            chunks = [Add(*args[at : at + _LONGEST_SUM]) for at in range(0, len(args), _LONGEST_SUM)]
            first, *others = [str(self.printer._print(chunk)) for chunk in chunks]
            return assignment(target, first) + [text for other in others for text in assignment(target, f"{target} + {other}")]
        return assignment(target, self._text(expression))

    def imports(self) -> list[str]:
        names = sorted(self.printer.module_imports["math"])
        return listing(names, "from math import ", "") if names else []

    def helpers(self) -> list[str]:
        return _helper_texts([SOURCES[name].scalar_helper for name in sorted(self.printer.helpers)])

    def zeros(self, name: str) -> str:
        return "0.0"

    def value(self, adjoint: str) -> str:
        return self.at_the_end.get(adjoint, self.identifiers[adjoint])


class _ArrayBody(FunctionBody):
    """numpy."""

    def __init__(self, program: Program, everything: bool, guarded: bool) -> None:
        super().__init__(program, guarded)
        self.templates.shapes = shapes_of(program)
        self.scope = Scope(self._spelt, self.ranks, self.templates.shapes, emit)
        self.outputs = {adjoint for _, adjoint in program.gradients if adjoint}
        if everything:
            self.outputs = {line.name for line in program.lines}

    def lines(self) -> list[str]:
        body = self.sections()
        sizes = size_lines(self.scope.sizes, self.program.arguments, self.identifiers)
        names = [self.identifiers[node.name] for node in self.program.arguments if node.name in self.scope.labels]
        head = [*self._stacks(), *sizes, *(f"{name} = np.asarray({name}, dtype=int)" for name in names)]
        return [*(INDENT + line for line in head), *([""] if head else []), *body, ""]

    def _stacks(self) -> Iterator[str]:
        """Yield the statements that make arrays of numbers with names of their own."""
        for stack in self.program.stacking.stacks if self.program.stacking else ():
            rows = [", ".join(self.identifiers[name] for name in row) for row in stack.rows]
            inside = [f"[{row}]" for row in rows] if stack.width else rows
            yield from listing(inside, f"{self.identifiers[stack.node.name]} = np.array([", "])", INDENT)

    def statement(self, line: ComputedLine) -> list[str]:
        expression = line.terms[0] if line.terms else Integer(0)
        scope, target = self.scope, self.identifiers[line.name]
        formula, text = self._texts(line, expression)
        as_it_is = not line.scatters or _is_new_and_real(expression, text)
        lines = comment(formula) if line.terms else []
        lines += self._explained(line) + assignment(target, text if as_it_is else f"np.array({text}, dtype=float)")
        for scatter in line.scatters:
            read = replace(scatter, value=zero_outside(scatter.value, scope))
            lines += [INDENT + part for part in scatter_lines(line, read, scope, self.identifiers.fresh)]
        return lines

    def _texts(self, line: ComputedLine, expression: Expr) -> tuple[str, ...]:
        """Return the formula of a line, and the code of its value."""
        formula, scope = self.formulas._print, self.scope

        def write() -> tuple[str, str]:
            scope.pieces.clear()
            code = full(emit(zero_outside(expression, scope), line.indices, scope), line.indices, scope)
            return f"{formula(line.entry)} = {formula(expression)}", code.text

        parts = (line.symbol, *line.indices, expression)
        return self.templates.written(parts, (), write, (str, self.identifiers.__getitem__))

    def _explained(self, line: ComputedLine) -> list[str]:
        formula, lines = self.formulas._print, []
        for scatter in line.scatters:
            address = ", ".join(formula(a) for a in scatter.address)
            over = ", ".join(formula(index) for index in scatter.indices)
            every = f" for every {over}" if over else ""
            lines += comment(f"{line.name}[{address}] += {formula(scatter.value)}{every}")
        return lines

    def imports(self) -> list[str]:
        uses_math = any("math" in SOURCES[name].needs_array for name in self.scope.helpers)
        windows = ["from numpy.lib.stride_tricks import sliding_window_view"] if self.scope.windows else []
        return [*(["import math", ""] if uses_math else []), "import numpy as np", *windows]

    def helpers(self) -> list[str]:
        plain = {} if self.guarded else UNGUARDED
        return _helper_texts([plain.get(name) or SOURCES[name].array_helper for name in sorted(self.scope.helpers)])

    def zeros(self, name: str) -> str:
        node = next(node for node in self.program.given if node.name == name)
        if not node.indices:
            return "0.0"
        return f"np.zeros_like({self.identifiers[name]}, dtype=float)"


def _is_new_and_real(expression: Expr, text: str) -> bool:
    """Whether what is added to is an array of its own, and of floating-point numbers: masks and whole numbers take no 0.3."""
    parts = preorder_traversal(expression)
    for part in parts:
        if isinstance(part, Relational | step | KroneckerDelta):
            parts.skip()
        elif isinstance(part, Indexed):
            return not _VIEW.fullmatch(text)
    return text.startswith("np.zeros(") or text.endswith("dtype=float)")


def _helper_texts(texts: list[str]) -> list[str]:
    return [text.strip() for text in texts if text]


def _ranks(program: Program) -> dict[str, int]:
    """Return the order in which names are written: adjoints (negative) before nodes, nodes in the network's order."""
    ranks = {node.name: at + 1 for at, node in enumerate(program.arguments)}
    ranks |= {line.name: len(ranks) + at + 1 for at, line in enumerate(program.forward)}
    return ranks | {line.name: at - len(program.backward) for at, line in enumerate(program.backward)}
