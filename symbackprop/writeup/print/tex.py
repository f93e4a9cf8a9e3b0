"""Print an outline as a LaTeX document: pdflatex for English, xelatex for Chinese; packages of every TeX installation only."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import singledispatch

from symbackprop.errors import InternalError
from symbackprop.formula.print.latex_prose import declarations, latex_prose, needs_xelatex
from symbackprop.formula.tree.tree import Formula, Fraction
from symbackprop.writeup.drawing.compose import PRINTED
from symbackprop.writeup.drawing.picture import HIGHEST, strips
from symbackprop.writeup.drawing.tikz import tikz
from symbackprop.writeup.page import blocks as b
from symbackprop.writeup.page.blocks import has_gaps
from symbackprop.writeup.page.phrases import plain, worth
from symbackprop.writeup.page.rows import in_a_sentence, laid_out, stands_together
from symbackprop.writeup.print.figures import picture
from symbackprop.writeup.print.format import check_complete, text_format
from symbackprop.writeup.print.latex_rows import latex_matrix, piece_latex, row_lines

#: Widest row, in characters as shown, that fits the text width beside a reason.
TEX_WIDTH = 86
#: So few rows of a table do not stand on a page alone.
ORPHANS = 3
#: A piece of so many columns may be wider than the room for it.
WIDE = 56
#: A line of so many rows stands on one page.
MOST_TOGETHER = 5

_CLASSES = {
    "en": "\\documentclass[11pt,a4paper]{article}\n\\usepackage[T1]{fontenc}\n\\usepackage{lmodern}",
    "zh": "% !TEX program = xelatex\n\\documentclass[11pt,a4paper,fontset=fandol]{ctexart}",
}
_WITH_XELATEX = _CLASSES["zh"].replace("fontset=fandol", "fontset=fandol,scheme=plain")
_PREAMBLE = r"""
\usepackage[margin=19mm]{geometry}
\usepackage{amsmath,amssymb,array,booktabs,longtable,xcolor,tikz,fancyvrb}
\definecolor{accent}{HTML}{2457A6}
\setlength{\parindent}{0pt}\setlength{\parskip}{5pt}
\setlength{\LTleft}{0pt}\setlength{\LTpre}{4pt}\setlength{\LTpost}{4pt}
\pagestyle{plain}\sloppy\lineskiplimit=3pt\lineskip=6pt
\AtBeginDocument{\abovedisplayskip=5pt plus 2pt\belowdisplayskip=5pt plus 2pt
  \abovedisplayshortskip=5pt plus 2pt\belowdisplayshortskip=5pt plus 2pt\jot=3pt}
\allowdisplaybreaks
\newcommand{\parttitle}[1]{\par\bigskip\vskip 0pt plus 4\baselineskip\penalty-200\vskip 0pt plus -4\baselineskip
  \vbox{{\large\bfseries #1\par}\vspace{2pt}{\color{accent}\hrule height 1pt}}\nobreak\medskip}
\newcommand{\steptitle}[1]{\par\medskip{\bfseries\color{accent}#1\par}\nobreak}
\newcommand{\reason}[1]{\text{\small #1}}
\newcommand{\below}[1]{\text{\rlap{\small #1}}} % a reason below its row takes no column
\newcommand{\aside}[1]{\par\medskip\colorbox{black!4}{\parbox{\dimexpr\linewidth-2\fboxsep}{#1}}\par\medskip}
\newcommand{\arraygap}{\hspace{2em}\hfil\penalty0\hfilneg\ignorespaces} % arrays side by side, as many as fit
\let\blackboard\mathbb % the faces of amssymb have no such digit
\renewcommand{\mathbb}[1]{\ifx1#1{1\mkern-4.6mu\mathrm{l}}\else\blackboard{#1}\fi}
\newsavebox{\wide}
\newcommand{\fitted}[1]{\sbox{\wide}{$\displaystyle #1$}%
  \ifdim\wd\wide>0.73\linewidth\resizebox{0.73\linewidth}{!}{\usebox{\wide}}\else\usebox{\wide}\fi}
\newcommand{\writingline}{\par\vspace{6mm}\textcolor{gray}{\hrule}}
\newcommand{\fillin}[1]{\rule[-1pt]{#1}{0.4pt}}
"""
#: Listings, which are kept, and lines that are not set.
_COMMENT = re.compile(r"^(\\begin\{Verbatim\}.*?^\\end\{Verbatim\})|^% [^\n]*$", re.MULTILINE | re.DOTALL)
_COLUMNS = {"l": "l", "c": "c", "r": "r"}


def tex(outline: b.Outline) -> str:
    """Return the document. Raises InternalError for a block it does not know."""
    title = f"{{\\LARGE\\bfseries {latex_prose(outline.title)}\\par}}\n{{\\color{{gray}}{latex_prose(outline.subtitle)}\\par}}"
    blocks = [text for block in outline.page if (text := _block(block, outline))]
    body = title + "".join(map(_behind, blocks, ["", *blocks]))
    shown = _COMMENT.sub(r"\1", body)
    xelatex = needs_xelatex(shown)
    document_class = _WITH_XELATEX if xelatex and outline.lang == "en" else _CLASSES[outline.lang]
    head = f"{document_class}{_PREAMBLE}{declarations(shown, xelatex)}\\begin{{document}}\n"
    return f"{head}{body}\n\n\\end{{document}}\n"


def _behind(text: str, before: str) -> str:
    """Set formulas close under a heading, in one paragraph with the text that leads to them; arrays stand side by side."""
    if text.startswith(r"\begin{flalign*}"):
        if before.startswith((r"\parttitle", r"\steptitle")):
            return "\n\\vspace{-\\baselineskip}\n" + text  # a display begins with an empty line otherwise
        return ("\n\n" if before.startswith("\\") else "\n") + text
    together = text.startswith(_ARRAY) and before.startswith(_ARRAY)
    return ("\n" if together else "\n\n") + text


_ARRAY = r"$\displaystyle "


def _words(words: b.Words, outline: b.Outline) -> str:
    return "".join(
        _in_text(part, outline) if isinstance(part, Formula) else r"\newline " if part == "\n" else latex_prose(part)
        for part in words
    )


def _in_text(formula: Formula, outline: b.Outline) -> str:
    """Return a formula for the middle of a line, in pieces between which the line may end where it is wider than a line."""
    pieces = in_a_sentence(formula, TEX_WIDTH)
    rooms = (WIDE if isinstance(piece.body, Fraction) else 0 for piece in pieces)  # LaTeX breaks others by itself
    return " ".join(f"${piece_latex(piece, outline.notation, room)}$" for piece, room in zip(pieces, rooms, strict=True))


@singledispatch
def _block(block: b.Block, outline: b.Outline) -> str:
    raise InternalError(f"tex: no printer for {type(block).__name__}")


@_block.register
def _(block: b.NameLine, outline: b.Outline) -> str:
    lengths = {"name": "55mm", "class": "20mm", "date": "25mm"}
    known = {key: latex_prose(text) for key, text in block.known}
    shown = {key: known.get(key) or rf"\fillin{{{length}}}" for key, length in lengths.items()}
    fields = [f"{plain(key, outline.lang)} {field}" for key, field in shown.items()]
    if block.points:
        fields.append(f"{plain('points', outline.lang)} \\fillin{{10mm}} / {block.points}")
    if not block.questions:
        return r"\hfill ".join(fields)
    rows = b.grading_rows(block, *(plain(key, outline.lang) for key in ("question", "total", "points")))
    body = r" \\ \hline ".join(" & ".join(row) for row in rows)
    table = rf"\begin{{tabular}}{{|l|{'c|' * (len(rows[0]) - 1)}}} \hline {body} \\ \hline \end{{tabular}}"
    fitted = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{\small "
    return r"\hfill ".join(fields) + f"\n\n{fitted}{table}}}"


@_block.register
def _(block: b.Heading, outline: b.Outline) -> str:
    command = {1: "parttitle", 2: "steptitle"}[block.level]
    points = rf"\hfill{{\normalfont\small\color{{gray}}{worth(block.points, outline.lang)}}}" if block.points else ""
    number = rf"{block.number}\quad " if block.number else ""
    return rf"\{command}{{{number}{_words(block.words, outline)}{points}}}"


@_block.register
def _(block: b.Prose, outline: b.Outline) -> str:
    words = _words(block.words, outline)
    if block.tone in ("note", "rule"):
        return f"\\aside{{{words}}}"
    return words


@_block.register
def _(block: b.FormulaBlock, outline: b.Outline) -> str:
    laid = laid_out(block.lines, TEX_WIDTH)

    def reason(words: b.Words, below: bool) -> str:
        return rf"\{'below' if below else 'reason'}{{{_words(words, outline)}}}"

    lines = row_lines(laid, outline.notation, reason, WIDE)
    between = r" \\*" + "\n" if block.keep and stands_together(laid) else r" \\" + "\n"
    return "\\begin{flalign*}\n" + between.join(map(_one_line, lines)) + "\n\\end{flalign*}"


def _one_line(rows: list[str]) -> str:
    """Return the rows of a line, on one page where they are few."""
    within = r" \\*" + "\n" if len(rows) <= MOST_TOGETHER else r" \\" + "\n"
    return within.join(map(_three_columns, rows))


def _three_columns(line: str) -> str:
    """Every row gets its reason's column, so that the columns stay where they are without one."""
    return line if " && " in line else line + " &&"


@_block.register
def _(block: b.Table, outline: b.Outline) -> str:
    columns = "".join(_COLUMNS[align] for align in block.align)
    if block.align == "llr":  # the middle one holds lines of formulas: it may break
        columns = columns[0] + _breaking("105mm") + columns[2]
    titles = " & ".join(rf"\textbf{{{_words(words, outline)}}}" for words in block.header)
    head, foot = f"\\toprule\n{titles}\\\\\n\\midrule\\endhead\n", "\\bottomrule\n"
    table = _long_table(columns, head, [tuple(cell.words for cell in row) for row in block.rows], foot, outline)
    stretch = r"\renewcommand{\arraystretch}{1.45}" if has_gaps(block) else ""  # room to write in by hand
    return f"{{{stretch}\n{table}}}"


@_block.register
def _(block: b.ArrayValue, outline: b.Outline) -> str:
    return rf"{_ARRAY}{latex_matrix(block, outline.notation, latex_prose)}$\arraygap"


@_block.register
def _(block: b.Definitions, outline: b.Outline) -> str:
    return "{\n" + _long_table("l" + _breaking("135mm"), "", block.rows, "", outline) + "}"


def _breaking(width: str) -> str:
    return rf">{{\raggedright\arraybackslash}}p{{{width}}}"


def _long_table(columns: str, head: str, rows: Iterable[tuple[b.Words, ...]], foot: str, outline: b.Outline) -> str:
    listed = list(rows)
    ends = (r" \\*" if at < ORPHANS or at >= len(listed) - 1 - ORPHANS else r" \\" for at in range(len(listed)))
    lines = "\n".join(" & ".join(_words(words, outline) for words in row) + end for row, end in zip(listed, ends, strict=True))
    return f"\\begin{{longtable}}{{@{{}}{columns}@{{}}}}\n{head}{lines}\n{foot}\\end{{longtable}}"


@_block.register
def _(block: b.Figure, outline: b.Outline) -> str:
    drawn = picture(block.drawing, outline.lang, outline.notation)
    caption = f"\n\n{{\\small {_words(block.caption, outline)}}}" if block.caption else ""
    fitted = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"
    images = "\n".join(f"{fitted}\n{tikz(strip)}}}" for strip in strips(drawn, HIGHEST * max(1.0, drawn.width / PRINTED)))
    return f"\\begin{{center}}\n{images}{caption}\n\\end{{center}}"


@_block.register
def _(block: b.BlankLines, outline: b.Outline) -> str:
    return r"\writingline" * block.lines + r"\par\medskip"


@_block.register
def _(block: b.Code, outline: b.Outline) -> str:
    return "\\begin{Verbatim}[fontsize=\\scriptsize]\n" + block.text.rstrip() + "\n\\end{Verbatim}"


@_block.register
def _(block: b.Choice, outline: b.Outline) -> str:
    items = []
    for letter, option in zip("abcdefgh", block.options, strict=False):
        verdict = ""
        if option.right is not None:
            verdict = r" \quad $\checkmark$" if option.right else rf" \quad $\times$ {_words(option.why, outline)}"
        items.append(f"\\item[({letter})] \\everymath{{\\displaystyle}}{_words(option.words, outline)}{verdict}")
    listed = "\n".join(items)
    return f"{_words(block.question, outline)}\n\\begin{{itemize}}\n{listed}\n\\end{{itemize}}"


@_block.register
def _(block: b.PageBreak, outline: b.Outline) -> str:
    return r"\newpage" if block.must else r"\pagebreak[2]"


check_complete(_block)
FORMAT = text_format(".tex", lambda outline, stem: {"": tex(outline)})
