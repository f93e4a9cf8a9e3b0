"""Formulas as they are written: the tree, notations, LaTeX in and out, and other printers. Decides no mathematics.

One screen of it::

    tree.py       Name("out_o1")  Number("0.5")  Neg(x)  Sum((a, Neg(b)))  Product((a, b))  Hadamard((a, b))
                  Fraction(a, b, inline=False)  Power(a, n)  Root(a)  Call(Name("sigmoid"), (x,))
                  Partial(E, w, others=())  Nabla(C, wrt)  BigSum(body, index, lower, upper, operator="sum")
                  Transpose(W)  Indexed("X", (n, i), upper=())  Element(formula, (i,))  Group(a, "(")  Bars(a, "norm")
                  Update(w)  Decorated("hat", y)  Delta(i, j)  Chain((a, b), ("=",))  Logic("and", (p, q))
                  Cases((Branch(value, condition), Branch(value)))  Text("prose")  Blank(3.0)  Row((text, chain))
    build.py      add subtract negate multiply divide power call indexed partial equation (names as strings, ints as numbers)
    walk.py       children(f)  walk(f)  replace(f, change)  fold(f, combine)
    brackets.py   normalise(f): a Group only where brackets are not forced anyway
    notation.py   Notation(...).override(option=value)      notations.py   TEXTBOOK, TWO_THREE_TWO, NIELSEN, ...
    latex.py      latex(f, notation)     text.py  text(f, notation)     mathml.py  typst.py  markdown.py
    convert.py    from_sympy(expr, order, notation, spell)   to_sympy(f, table, special)   ordering.author_order(pairs)
    numbers.py    number(0.0780638, notation)
    names.py      Names.of(notation, scalars="w7", indexed="X", functions="sigmoid", indices="n", sizes="N", rates="eta")
    read.py       read(latex, names), read_repaired(latex, names); scanner, scan, lines, tokens, structure, scripts serve it
    wrap.py       latex_block(f, notation, width)   text_block(f, notation, width)
    match.py      match_level(ours, theirs): IDENTICAL, UP_TO_SPACES, UP_TO_LAYOUT, DIFFERENT
"""
