"""Whole documents are read: each of our own derivations, names that wear labels, lines that look like rows of numbers."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from symbackprop.errors import UserError
from symbackprop.formula.print.text import text
from symbackprop.formula.read.name_table import Names
from symbackprop.formula.read.read import ReadError, read
from symbackprop.proofreading.claims import ClaimStatus
from symbackprop.proofreading.judging.reading import read_formulas
from symbackprop.proofreading.proofread import proofread, proofread_text
from symbackprop.proofreading.text.code_lines import Printed, lines_of
from symbackprop.proofreading.text.document import Document, document_from_text, read_document
from symbackprop.proofreading.text.everyday import document_macros, normalised, with_macros_put_in
from symbackprop.proofreading.text.vocabulary import discover

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted((ROOT / "derivations").glob("*/document.md"))


def _readings(document: Document) -> tuple[list[str], list[str]]:
    """Return what was read of every formula with a relation, and what could not be read."""
    found = read_formulas(document, discover([normalised(formula.text) for formula in document.formulas()]).names())
    return [text(formula) for formula in found.formulas.values()], [unread.reason for unread in found.unread]


def _read(markdown: str) -> list[str]:
    readings, unread = _readings(document_from_text(markdown))
    assert not unread
    return readings


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.parent.name)
def test_every_formula_of_our_own_documents_is_read(path: Path) -> None:
    assert _readings(read_document(path))[1] == []


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"${a_{2\_gate}}_{nj} = \sum_n {W_g}_{nj}$", "a_2_gate[n,j] = Σ_n W_g[n,j]"),
        (r"${wide_V}_{fo} = {b_V}_o$", "wide_V[f,o] = b_V[o]"),
        (r"$z_{ac} = \sum_a \sum_c q_{ca}$", "z[a,c] = Σ_a Σ_c q[c,a]"),
        (r"$nu_{ij} = 2 nu_{ji}$", "ν[i,j] = 2·ν[j,i]"),
        (r"$E_{mn} = 2 E_{tot}$, $x_n$", "E_mn = 2·E_tot"),
        (r"$K_{mn} = 2 K_{tot} x_m + x_n$", "K[m,n] = 2·K_tot·x[m] + x[n]"),
        (r"$\mathit{d\_yout\_d\_w2} = 3$, $y_{out}$, $w_2$", "∂y_out/∂w2 = 3"),
        (r"$\frac{\partial g^n}{\partial w} = 1$, $g^n(w) = w$, $\sum_n n$", "∂g^(n)/∂w = 1"),
        (r"$a_{d_\ell} = 2$", "a_d_ell = 2"),
    ],
)
def test_names_that_wear_labels(written: str, read: str) -> None:
    assert read in _read(written)


def test_a_code_name_that_could_be_two_is_not_guessed() -> None:
    _, unread = _readings(document_from_text(r"$\mathit{d\_y\_d\_ab} = 3$, $a_b = 1$, $ab_{} = a\_b$, $y = 2$"))
    assert unread


@pytest.mark.parametrize("line", ["1" + "   " * 20_000 + "x", "#" * 20_000 + "x", "1 , " * 20_000 + "x"])
def test_a_long_line_of_almost_numbers(line: str) -> None:
    assert not [item for item in lines_of(document_from_text(line)) if isinstance(item, Printed)]


@pytest.mark.parametrize("line", ["0.1, 0.25", "# [0.5 -2e-3]", "((1, 2, 3)),", "  -.5"])
def test_rows_of_numbers(line: str) -> None:
    assert [item for item in lines_of(document_from_text(line)) if isinstance(item, Printed)]


def test_a_label_that_no_name_can_have_is_no_fault() -> None:
    report = proofread_text(r"$a_{d_{\ell+1}} = 2$ and $b__c = 1$ and $x_{\_\_} = 3$")
    assert all(claim.status is not ClaimStatus.DIFFERS for claim in report.claims)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"$\newcommand{\mat}[1]{\mathbf{#1}}$ $\mat{Q} = 2 \mat{P}$", "Q = 2·P"),
        (r"$\gdef\half#1{\frac{#1}{2}} q = \half{p}$", "q = p/2"),
        (r"$\renewcommand{\hat}[1]{\hat{#1}}$ $\hat{q} = 2$", "q_hat = 2"),
        (r"$q^{(\ell)} = 2 p^{(\ell - 1)}$", "q^(l) = 2·p^(l - 1)"),
        (r"$u = \mbox{e}^{v} + \text{log}(v)$", "u = e^v + ln(v)"),
        (r"$u = 1 \newline v = 2$", "u = 1\n v = 2"),
        (r"$u = {\color{red} v} + 1$", "u = v + 1"),
        (r"$u = \sum_{\forall r} v_r$", "u = Σ_r v[r]"),
        (r"$u{_2} = v{_{k}}$", "u2 = v[k]"),
        (r"$\boldsymbol{u_k} = 2$", "u[k] = 2"),
        (r"$u \bullet v = 1$", "u·v = 1"),
        (r"$\delta_3 = 2 delta3$", "δ_3 = 2·δ_3"),
        (r"$C = C(u_1, \dots, u_n)$", "C = C(u1, dots, u[n])"),
        (r"$p(u = 1 \mid v) = q$", "p((u = 1 ∣ v)) = q"),
        (r"$q = g'^{(k)}(v)$, $g^{(k)}(v) = v$", "q = (g^(k))'(v)"),
        ("$q = \\begin{pmatrix} u & \\\\ & v \\end{pmatrix}$", "q = [u, ; , v]"),
        (r"$\begin{flalign*} u &= v \end{flalign*}$", "u = v"),
        (r"${q}^{[k]} = {{p}^{[k-1]}} + {\hat{u}}_{j}$", "q^(k) = p^(k - 1) + u_hat[j]"),
        (r"$q^{<k>} = p^{<k-1>}$", "q^(k) = p^(k - 1)"),
        (r"$\frac{{dq}}{dv} = 1$, $dq = v$", "∂q/∂v = 1"),
        (r"$d{{q}_{1}} = d{{q}_{2}}$", "dq1 = dq2"),
        (r"$q^* = p^{*} + u_j^\star$, $q = 1$", "q_star = p_star + u_star[j]"),
        (r"$\boldsymbol \mu_j = \boldsymbol{\Sigma}_j + 1$", "μ[j] = Σ[j] + 1"),
        (r"$w_\textrm{out} = v_\text{in}$", "w_out = v_in"),
        (r"$q_{1,1} = q_{1,2}.\frac{u}{v}$", "q[1,1] = q[1,2]·(u/v)"),
        (r"$q = \frac{1}{{1 + e}^{- v}}$", "q = 1/(1 + e^(-v))"),
        (r"$q = \lbrack u\rbrack \Longrightarrow \footnotesize u = 1$", "q = [u] ⇒ u = 1"),
        (r"$\left. q = u \right\}$", "q = u"),
        (r"$\ell_j = l + 1$", "ell[j] = l + 1"),
        (r"$p(u, v \mid w) = h_j(u)$", "p(u, (v ∣ w)) = h[j](u)"),
    ],
)
def test_everyday_ways_of_writing(written: str, read: str) -> None:
    document = document_from_text(written)
    macros = document_macros(document)
    names = discover([with_macros_put_in(normalised(formula.text), macros) for formula in document.formulas()]).names()
    found = read_formulas(document, replace(names, macros=macros))
    assert not found.unread
    assert read in [text(formula) for formula in found.formulas.values()]


def test_a_sum_ends_before_a_term_that_runs_over_the_same_letter_by_itself() -> None:
    """`Σ_i a_i - b Σ_i a_i` are two sums: the second i is not the first one's."""
    assert _read(r"$v = \sum_i u_i - w \sum_i u_i$, $u_i$") == ["v = Σ_i u[i] - w·Σ_i u[i]", "u[i]"]
    report = proofread_text(r"$\sum_i u_i - w \sum_i u_i = (1 - w) \sum_i u_i$ with $u_1 = 2$, $u_2 = 3$, $w = 4$")
    assert report.claims[0].status is not ClaimStatus.DIFFERS


SOFTMAX = r"""Let $a_j = \frac{e^{z_j}}{\sum_k e^{z_k}}$. Then
$$ \frac{\partial a_j}{\partial z_i} = FIRST, \quad i = j $$
$$ \frac{\partial a_j}{\partial z_i} = SECOND, \quad OTHER $$
"""


@pytest.mark.parametrize(
    ("first", "second", "other", "wrong"),
    [
        ("a_i (1 - a_i)", "-a_i a_j", r"i \neq j", 0),
        ("a_i (1 - a_i)", "-a_j a_i", r"j \ne i", 0),
        ("a_i (1 + a_i)", "-a_i a_j", r"i \neq j", 1),
        ("a_i (1 - a_i)", "a_i a_j", r"i \neq j", 1),
        ("a_i (1 - a_i)", "-a_i a_j", r"i = 1", 0),  # it may be said of that place alone
    ],
)
def test_a_formula_for_equal_letters_and_one_for_different_ones(first: str, second: str, other: str, wrong: int) -> None:
    written = SOFTMAX.replace("FIRST", first).replace("SECOND", second).replace("OTHER", other)
    assert sum(claim.status is ClaimStatus.DIFFERS for claim in proofread_text(written).claims) == wrong


@pytest.mark.parametrize(
    "written",
    [
        "```python\n" * 20_000,
        "~~~\n~~~~ x\n" * 10_000,
        r"\begin{align} x = 1 " * 10_000,
        r"\[ x \( y " * 10_000,
        "<!-- " * 30_000,
        "$$ x",
    ],
    ids=["fences", "fences within", "environments", "brackets", "comments", "dollars"],
)
def test_what_is_never_closed_is_looked_for_once(written: str) -> None:
    document = document_from_text(written)
    assert len("".join(fragment.text for fragment in document.fragments)) > 0


def test_fences_and_formulas_end_where_they_are_closed() -> None:
    written = (
        "$a$ $$b$$ "
        "\\[c\\] \\(d\\) \\\\[e\\\\] \\begin{align*}f\\end{align*} $`g`$ \\$5 costs $6\n\n```py\n$x$\n````\n~~~ math\nh\n~~~\n"
        "````\n```\n$y$\n````\n$i\n$"
    )
    found = document_from_text(written)
    formulas = ["a", "b", "c", "d", "e", "\\begin{align*}f\\end{align*}", "g", "h\n", "i\n"]
    assert [formula.text for formula in found.formulas()] == formulas
    assert [fragment.text for fragment in found.fragments if fragment.kind in ("code", "output")] == ["$x$\n", "```\n$y$\n"]
    assert all(found.text[fragment.start : fragment.end] == fragment.text for fragment in found.fragments)


PIECES = (
    *(
        r"\frac{",
        r"\partial ",
        r"\sum_{",
        "_",
        "^",
        "{",
        "}",
        "(",
        ")",
        "=",
        r"\\",
        "&",
        r"\dots",
        r"\mathbf{",
        r"\hat{",
        "'",
        "|",
        "x",
    ),
    *(
        "w_{ij}",
        "1.5",
        "᥆",
        "__",
        r"\_",
        r"\left(",
        r"\begin{cases}",
        r"\end{cases}",
        r"\text{if }",
        ",",
        r"\sigma",
        "e^{",
        "\u200b",
        "\x01",
    ),
)


@pytest.mark.parametrize("seed", range(3))
def test_anything_is_read_or_refused(seed: int) -> None:
    """Pieces of formulas in any order, in one document, whose names are then as odd as its formulas."""
    rng = random.Random(seed)
    soup = ["".join(rng.choice(PIECES) for _ in range(rng.randrange(1, 25))) for _ in range(60)]
    written = "\n\n".join(f"$${formula}$$" for formula in soup)
    document = document_from_text(written)
    found = read_formulas(document, discover([normalised(formula.text) for formula in document.formulas()]).names())
    assert all(unread.reason for unread in found.unread)


@pytest.mark.parametrize("mark", ["<script ", "<script>", '<script type="math/tex">', "<pre>", "<!--", "<", "<head>"])
def test_marks_of_html_that_are_never_closed(mark: str) -> None:
    document = document_from_text(mark * 20_000 + "$x = 1$", ".html")
    assert [formula.text for formula in document.formulas()] == ["x = 1"]


def test_formulas_of_html() -> None:
    written = (
        '<head>$no$</head><p>$a$ <script type="math/tex; mode=display">b &lt; c</script><script>$no$</script><!-- $no$ -->'
        '<math><annotation encoding="application/x-tex">d</annotation></math><pre>e = <b>1</b></pre><style>$no$</style>'
    )
    found = document_from_text(written, ".html")
    assert [(formula.text, formula.display) for formula in found.formulas()] == [("a", False), ("b < c", True), ("d", False)]
    assert [fragment.text for fragment in found.fragments if fragment.kind == "code"] == ["e = 1"]


LEAVES_A_FILE = "__import__('pathlib').Path(r'{path}').touch()"


@pytest.mark.parametrize("kind", ["fence.md", "inline.md", "listing.tex", "page.html", "cells.ipynb"])
def test_nothing_in_a_document_is_executed(kind: str, tmp_path: Path) -> None:
    left = tmp_path / "left.txt"
    code = LEAVES_A_FILE.format(path=left)
    written = {
        "fence.md": f"```python\n{code}\nx = {code}  # 0.12345\n```\n$x = 1$",
        "inline.md": f"`{code}` 0.12345, `x = [{code}]` and $x = 1$ and $\\text{{{code}}} = 1$",
        "listing.tex": f"\\begin{{lstlisting}}\n{code}\n\\end{{lstlisting}} $x = 1$ \\newcommand{{\\a}}{{{code}}}",
        "page.html": f"<script>{code}</script><pre>{code}</pre>$x = 1$",
        "cells.ipynb": json.dumps(
            {"cells": [{"cell_type": "code", "source": code}, {"cell_type": "markdown", "source": f"$x = 1$ `{code}`"}]}
        ),
    }
    document = tmp_path / kind
    document.write_text(written[kind], encoding="utf-8")
    assert proofread(document).claims
    assert not left.exists()


@pytest.mark.parametrize(
    "written", ["x" + "_" * 5_000, "x" + "^" * 5_000 + "2", r"\frac" * 5_000 + "{1}{2}", "x" + r"_\hat" * 2_000]
)
def test_arguments_that_are_not_there_are_not_looked_for_twice(written: str) -> None:
    with pytest.raises(ReadError):
        read(written, Names.of(scalars="x"))


@pytest.mark.parametrize(
    ("written", "shown"),
    [(r"x^\frac{1}{2}", "x^(1/2)"), (r"\frac\frac122 + x", "1/2/2 + x"), (r"x^\sqrt{2}", "x^(√(2))"), (r"\frac1{2} x", "1/2·x")],
)
def test_arguments_without_braces(written: str, shown: str) -> None:
    assert text(read(written, Names.of(scalars="x"))) == shown


def test_a_text_of_very_many_formulas_is_refused_at_once() -> None:
    with pytest.raises(UserError, match="too many"):
        proofread_text("$ x " * 40_000)
