"""Reading one node: its terms, its factors, its signature (the expression without addresses and numbers), its addresses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symbackprop.trace.graph.graph import Graph

_KINDS = {"constant": "constant", "entry": "entry", "mul": "product", "div": "product", "add": "sum", "neg": "sum"}


class Reader:
    """The expressions of a graph in which some nodes are elements of named arrays: `owner[node]` (-1: of none), `at[node]`."""

    def __init__(self, graph: Graph, owner: Any, at: Any, shapes: list[tuple[int, ...]], is_constant: list[bool]) -> None:
        self.graph = graph
        self.owner = owner
        self.at = at
        self.shapes = shapes
        self.is_constant = is_constant
        self._factors: dict[int, tuple[int, list[tuple[int, int]]]] = {}
        self._signatures: dict[int, int] = {}
        self._interned: dict[Any, int] = {}
        self._addresses: dict[int, tuple[int, ...]] = {}

    def place(self, node: int) -> tuple[int, ...]:
        """Return where a node stands in the array that owns it."""
        shape = self.shapes[self.owner[node]]
        return tuple(int(k) for k in np.unravel_index(int(self.at[node]), shape)) if shape else ()

    def inside(self, node: int) -> str:
        """Return the operation of a node, or `constant` or `entry` where a definition stops reading."""
        if self.is_constant[node]:
            return "constant"
        return "entry" if self.owner[node] >= 0 else self.graph.operations[node]

    def kind(self, nodes: Sequence[int]) -> str:
        """Return what nodes are alike: `constant`, `entry` of one array, `product` of like factors, `function`, else `sum`."""
        kinds = {_KINDS.get(self.inside(node), "function") for node in nodes}
        if len(kinds) != 1:
            return "sum"
        (kind,) = kinds
        marks = {"entry": self.owner.__getitem__, "product": self.varying, "function": self.signature}
        return "sum" if kind in marks and len(set(map(marks[kind], nodes))) != 1 else kind

    def terms(self, node: int) -> list[tuple[int, int]]:
        """Return (sign, node) of the terms that a node is the sum of; zeros are none."""
        found, stack = [], [(1, node)]
        while stack:
            sign, one = stack.pop()
            operation = self.inside(one)
            if operation == "add":
                left, right = self.graph.arguments[one]
                stack += [(sign, right), (sign, left)]
            elif operation == "neg":
                stack.append((-sign, self.graph.arguments[one][0]))
            elif self.graph.fraction(one) != 0:
                found.append((sign, one))
        return found

    def factors(self, node: int) -> tuple[int, list[tuple[int, int]]]:
        """Return the sign and (power, node) of the factors that a node is the product of, in an order of their own."""
        known = self._factors.get(node)
        if known is None:
            sign, found = self._raw_factors(node)
            known = self._factors[node] = sign, sorted(found, key=lambda item: (item[0], self.signature(item[1])))
        return known

    def _raw_factors(self, node: int) -> tuple[int, list[tuple[int, int]]]:
        """Return the sign and (power, node) of the factors that a node is the product of; the power is +1 or -1."""
        sign, found, stack = 1, [], [(1, node)]
        while stack:
            power, one = stack.pop()
            operation, arguments = self.inside(one), self.graph.arguments[one]
            if operation in ("mul", "div"):
                stack += [(power if operation == "mul" else -power, arguments[1]), (power, arguments[0])]
            elif operation == "neg":
                sign = -sign
                stack.append((power, arguments[0]))
            else:
                found.append((power, one))
        return sign, found

    def signature(self, node: int) -> int:
        """Return a number for the expression of a node without its addresses, numbers and signs."""
        found: int = self._fold(node, self._signatures, self._signature)
        return found

    def address(self, node: int) -> tuple[int, ...]:
        """Return all addresses in the expression of a node, in the order of the signature."""
        found: tuple[int, ...] = self._fold(node, self._addresses, self._address)
        return found

    def _fold(self, node: int, known: dict[int, Any], rule: Any) -> Any:
        """Work a rule out for a node after everything it consists of, without recursion."""
        stack = [node]
        while stack:
            one = stack[-1]
            if one in known:
                stack.pop()
                continue
            missing = [child for child in self._children(one) if child not in known]
            if missing:
                stack += missing
            else:
                known[one] = rule(one)
                stack.pop()
        return known[node]

    def _children(self, node: int) -> tuple[int, ...]:
        operation = self.inside(node)
        if operation in ("constant", "entry"):
            return ()
        if operation in ("add", "neg"):
            return tuple(term for _, term in self.terms(node))
        if operation in ("mul", "div"):
            return tuple(factor for _, factor in self._raw_factors(node)[1])
        return self.graph.arguments[node]

    def _signature(self, node: int) -> int:
        return self._interned.setdefault(self._described(node), len(self._interned))

    def _described(self, node: int) -> Any:
        operation = self.inside(node)
        if operation == "constant":
            return ("constant",)
        if operation == "entry":
            return ("entry", int(self.owner[node]))
        if operation in ("add", "neg"):
            return ("sum", tuple(sorted({self._signatures[term] for _, term in self.terms(node)})))
        if operation in ("mul", "div"):
            return ("product", self.varying(node))
        exponent = self.graph.payloads[node] if operation == "power" else None
        return (operation, exponent, tuple(self._signatures[child] for child in self.graph.arguments[node]))

    def varying(self, node: int) -> tuple[tuple[int, int], ...]:
        """Return the powers and signatures of the factors that are not constant."""
        return tuple((power, self.signature(one)) for power, one in self.factors(node)[1] if not self.is_constant[one])

    def _address(self, node: int) -> tuple[int, ...]:
        operation = self.inside(node)
        if operation == "constant":
            return ()
        if operation == "entry":
            return self.place(node)
        if operation in ("add", "neg"):
            first: dict[int, tuple[int, ...]] = {}
            for signature, address in sorted((self.signature(term), self._addresses[term]) for _, term in self.terms(node)):
                first.setdefault(signature, address)
            return sum(first.values(), ())
        if operation in ("mul", "div"):
            return sum((self.address(one) for _, one in self.factors(node)[1]), ())
        return sum((self._addresses[child] for child in self.graph.arguments[node]), ())


def constants(graph: Graph) -> list[bool]:
    """Return, for every node, whether it depends on no input."""
    found: list[bool] = []
    for operation, arguments in zip(graph.operations, graph.arguments, strict=True):
        found.append(operation != "input" and all(found[argument] for argument in arguments))
    return found
