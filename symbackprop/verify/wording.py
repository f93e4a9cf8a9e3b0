"""How a report says things: its sentences in English and Chinese, formulas and names as one line of plain text."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from sympy import Expr, Integer

from symbackprop.derive.sweep.derivation import DerivationRecord
from symbackprop.errors import SymbackpropError
from symbackprop.formula.print.text import text
from symbackprop.formula.value.from_sympy import from_sympy
from symbackprop.verify.records import Wording

LONGEST = 90
"""Characters of a formula in a report; a longer one is left out."""


REPORT: Mapping[str, Wording] = {
    "heading": Wording("{title} · loss {loss} · hand gradient {hand}", "{title} · 损失 {loss} · 手写梯度 {hand}"),
    "e.g.": Wording("e.g.", "例如"),
    "why": Wording("why", "原因"),
    "where": Wording("where", "位置"),
    "mend": Wording("mend", "改正"),
    "none": Wording("none", "缺少"),
    "given": Wording("given", "约定"),
    "note": Wording("note", "说明"),
    "proved": Wording("proved", "已证明"),
    "agrees": Wording("agrees", "数值一致"),
    "guarded": Wording("guarded", "仅差保护项"),
    "differs": Wording("differs", "不同"),
    "not differentiable": Wording("not differentiable", "不可微"),
    "not decided": Wording("not decided", "未判定"),
    "error": Wording("error", "出错"),
    "proved with": Wording("proved with this change", "改动后已证明"),
    "agrees with": Wording("agrees with this change", "改动后数值一致"),
    "and": Wording("and", "以及"),
    "missing": Wording("no handwritten gradient for {names}", "没有 {names} 的手写梯度"),
    "fallback": Wording("{reason}; compared in float64 only", "{reason}；只以 float64 比较"),
    "ratio": Wording("hand = {ratio} · derived", "手写 = {ratio} · 推导"),
    "digits": Wording("{digits} digits", "{digits} 位"),
    "witness": Wording("{place}: hand {hand}, derived {derived}{at}", "{place}：手写 {hand}，推导 {derived}{at}"),
    "witness at": Wording(" at {inputs}", "，于 {inputs}"),
    "exact": Wording("exact", "精确"),
    "float64": Wording("float64", "float64"),
    "for sizes": Wording("{means}, for {sizes}", "{means}，{sizes}"),
    "at points": Wording("{means}, at {points} points", "{means}，{points} 个点"),
    "in floats": Wording("{means}, and in float64 for {sizes}", "{means}，{sizes} 以 float64"),
    "and sizes": Wording("{before} and {sizes}", "{before} 和 {sizes}"),
    "no branches": Wording("{means}; no branches", "{means}；无分支"),
    "branches": Wording("{means}; {count}, {visited}", "{means}；{count}，{visited}"),
    "branch": Wording("1 branch", "1 个分支"),
    "several branches": Wording("{count} branches", "{count} 个分支"),
    "each way": Wording("each way visited", "两边都走过"),
}
"""The sentences and words of a report itself; reasons are worded in `explain.catalog`, places in `explain.locate`."""


def said(key: str, language: str = "en", **values: object) -> str:
    """Return a sentence of a report in a language."""
    return REPORT[key].said({name: str(value) for name, value in values.items()}, language)


def formula(expression: Any) -> str:
    """Return an expression as plain text, `1/N Σ_n (y[n,k] - t[n,k])^2`."""
    try:
        return text(from_sympy(expression))
    except SymbackpropError:
        return str(expression)


def short(expression: Any) -> str:
    """Return a formula, or an empty text when it is too long to be read in a line."""
    written = formula(expression)
    return written if len(written) <= LONGEST else ""


def definition(derivation: DerivationRecord, name: str) -> str:
    """Return the right-hand side of a definition, or the name when that is too long."""
    expression: Expr | None = derivation.network.nodes[name].expression
    return (short(expression) or name) if expression is not None else name


def adjoint_text(derivation: DerivationRecord, name: str, held: Collection[str] = ()) -> str:
    """Return `∂E/∂y[n,k] = …`: in adjoints of later nodes when the code holds those, or when it is too long written out.

    Args:
        held: the nodes whose adjoints the code has in variables.
    """
    node = derivation.network.nodes[name]
    head = f"∂{derivation.loss}/∂{formula(node.entry)}"
    gradient = derivation[name]
    consumers = {term.consumer for term in gradient.terms if not isinstance(term.upstream, Integer)}
    forms = ("shared", "expression") if consumers and consumers <= set(held) else ("expression", "shared")
    for form in forms:
        written = with_adjoints(derivation, getattr(gradient, form))
        if 0 < len(written) <= LONGEST:
            return f"{head} = {written}"
    return head


def with_adjoints(derivation: DerivationRecord, expression: Expr) -> str:
    """Return a formula in which adjoints read `∂E/∂y`, not as the variables `dE_dy` that stand for them."""
    written = formula(expression)
    for adjoint in derivation.adjoints.values():
        symbol = str(adjoint.symbol)
        if symbol in written:
            name = formula(derivation.network.nodes[adjoint.node].symbol)
            written = re.sub(rf"(?<!\w){re.escape(symbol)}(?!\w)", f"∂{derivation.loss}/∂{name}", written)
    return written
