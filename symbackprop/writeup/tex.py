"""Print an outline as a LaTeX document: pdflatex for English, xelatex for Chinese; packages of every TeX installation only."""

from __future__ import annotations

from functools import singledispatch

from symbackprop.errors import InternalError
from symbackprop.formula.latex import latex
from symbackprop.formula.tree import Formula
from symbackprop.writeup import blocks as b
from symbackprop.writeup.figures import picture
from symbackprop.writeup.latex_rows import row_lines, tex_text
from symbackprop.writeup.phrases import plain
from symbackprop.writeup.tikz import tikz

#: Widest row, in characters as shown, that fits the text width beside a reason.
TEX_WIDTH = 70

_CLASSES = {
    "en": "\\documentclass[11pt,a4paper]{article}\n\\usepackage[T1]{fontenc}\n\\usepackage{lmodern}",
    "zh": "% !TEX program = xelatex\n\\documentclass[11pt,a4paper,fontset=fandol]{ctexart}",
}
_PREAMBLE = r"""
\usepackage[margin=19mm]{geometry}
\usepackage{amsmath,amssymb,array,booktabs,longtable,xcolor,tikz,fancyvrb}
\definecolor{accent}{HTML}{2457A6}
\setlength{\parindent}{0pt}\setlength{\parskip}{5pt}
\setlength{\LTleft}{0pt}
\allowdisplaybreaks
\newcommand{\parttitle}[1]{\par\bigskip\vskip 0pt plus 4\baselineskip\penalty-200\vskip 0pt plus -4\baselineskip
  \vbox{{\large\bfseries #1\par}\vspace{2pt}{\color{accent}\hrule height 1pt}}\nobreak\medskip}
\newcommand{\steptitle}[1]{\par\medskip{\bfseries\color{accent}#1\par}\nobreak}
\newcommand{\writingline}{\par\vspace{6mm}\textcolor{gray}{\hrule}}
\newcommand{\fillin}[1]{\rule[-1pt]{#1}{0.4pt}}
"""
_COLUMNS = {"l": "l", "c": "c", "r": "r"}


def tex(outline: b.Outline) -> str:
    """Return the document. Raises InternalError for a block it does not know."""
    head = (
        f"{_CLASSES[outline.lang]}{_PREAMBLE}\\begin{{document}}\n"
        f"{{\\LARGE\\bfseries {tex_text(outline.title)}\\par}}\n{{\\color{{gray}}{tex_text(outline.subtitle)}\\par}}"
    )
    body = [text for block in outline.blocks if (text := _block(block, outline))]
    return "\n\n".join([head, *body, "\\end{document}"]) + "\n"


def _words(words: b.Words, outline: b.Outline) -> str:
    return "".join(
        f"${latex(part, outline.notation)}$" if isinstance(part, Formula) else r"\newline " if part == "\n" else tex_text(part)
        for part in words
    )


@singledispatch
def _block(block: b.Block, outline: b.Outline) -> str:
    raise InternalError(f"tex: no printer for {type(block).__name__}")


@_block.register
def _(block: b.NameLine, outline: b.Outline) -> str:
    lengths = {"name": "55mm", "class": "20mm", "date": "25mm"}
    fields = [f"{plain(key, outline.lang)} \\fillin{{{length}}}" for key, length in lengths.items()]
    if block.points:
        fields.append(f"{plain('points', outline.lang)} \\fillin{{10mm}} / {block.points}")
    return r"\hfill ".join(fields)


@_block.register
def _(block: b.Heading, outline: b.Outline) -> str:
    command = {1: "parttitle", 2: "steptitle"}[block.level]
    return rf"\{command}{{{_words(block.words, outline)}}}"


@_block.register
def _(block: b.Prose, outline: b.Outline) -> str:
    if block.tone == "cell":
        return ""
    words = _words(block.words, outline)
    if block.tone in ("note", "rule"):
        return f"\\begin{{quote}}\n{words}\n\\end{{quote}}"
    return words


@_block.register
def _(block: b.FormulaBlock, outline: b.Outline) -> str:
    lines = row_lines(block.lines, outline.notation, TEX_WIDTH, lambda text: rf"\text{{\small {tex_text(text)}}}")
    end = r" \\*" + "\n" if block.keep else r" \\" + "\n"
    return "\\begin{flalign*}\n" + end.join(_three_columns(line) for line in lines) + "\n\\end{flalign*}"


def _three_columns(line: str) -> str:
    """Every row gets its reason's column, so that the columns stay where they are without one."""
    return line if " && " in line else line + " &&"


@_block.register
def _(block: b.Table, outline: b.Outline) -> str:
    columns = "".join(_COLUMNS[align] for align in block.align)
    if block.align == "llr" or block.align == "ll":  # one column holds lines of formulas: it may break
        width = "105mm" if len(columns) == 3 else "135mm"
        columns = columns[0] + f">{{\\raggedright\\arraybackslash}}p{{{width}}}" + columns[2:]
    rows = [" & ".join(_words(cell.words, outline) for cell in row) + r" \\" for row in block.rows]
    if not block.header and block.caption:
        inner = " ".join(" & ".join(_matrix_entry(cell, outline) for cell in row) + r" \\" for row in block.rows)
        caption = "".join(
            latex(part, outline.notation) if isinstance(part, Formula) else rf"\text{{{tex_text(part)}}}"
            for part in block.caption
        )
        return f"\\[ {caption} = \\begin{{pmatrix}} {inner} \\end{{pmatrix}} \\]"
    head = ""
    if block.header:
        head = " & ".join(rf"\textbf{{{_words(words, outline)}}}" for words in block.header) + "\\\\\n\\midrule\\endhead\n"
    lines = "\n".join(rows)
    return f"\\begin{{longtable}}{{@{{}}{columns}@{{}}}}\n\\toprule\n{head}{lines}\n\\bottomrule\n\\end{{longtable}}"


def _matrix_entry(cell: b.Cell, outline: b.Outline) -> str:
    return "".join(latex(part, outline.notation) if isinstance(part, Formula) else tex_text(part) for part in cell.words)


@_block.register
def _(block: b.Figure, outline: b.Outline) -> str:
    drawn = tikz(picture(block.drawing, outline.lang, outline.notation))
    caption = f"\n\n{{\\small {_words(block.caption, outline)}}}" if block.caption else ""
    fitted = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"
    return f"\\begin{{center}}\n{fitted}\n{drawn}}}{caption}\n\\end{{center}}"


@_block.register
def _(block: b.BlankLines, outline: b.Outline) -> str:
    return r"\writingline" * block.lines + r"\par\medskip"


@_block.register
def _(block: b.Code, outline: b.Outline) -> str:
    if block.role == "cell":
        return ""
    return f"\\begin{{Verbatim}}[fontsize=\\footnotesize]\n{block.text.rstrip()}\n\\end{{Verbatim}}"


@_block.register
def _(block: b.Choice, outline: b.Outline) -> str:
    items = []
    for letter, option in zip("abcdefgh", block.options, strict=False):
        verdict = ""
        if option.right is not None:
            verdict = r" \quad $\checkmark$" if option.right else rf" \quad $\times$ {_words(option.why, outline)}"
        items.append(f"\\item[({letter})] {_words(option.words, outline)}{verdict}")
    listed = "\n".join(items)
    return f"{_words(block.question, outline)}\n\\begin{{itemize}}\n{listed}\n\\end{{itemize}}"


@_block.register
def _(block: b.PageBreak, outline: b.Outline) -> str:
    return r"\newpage" if block.must else r"\pagebreak[2]"
