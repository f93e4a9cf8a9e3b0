"""Formulas as they are written: the tree, notations, LaTeX in and out, other printers, values. Decides no mathematics.

One screen of it::

    tree/       Name("out_o1")  Number("0.5")  Neg(x)  Sum((a, Neg(b)))  Product((a, b))  Hadamard((a, b))
                Fraction(a, b, inline=False)  Power(a, n)  Root(a)  Call(Name("sigmoid"), (x,))
                Partial(E, w, others=())  Nabla(C, wrt)  BigSum(body, index, lower, upper, operator="sum")
                Transpose(W)  Indexed("X", (n, i), upper=())  Element(formula, (i,))  Group(a, "(")  Bars(a, "norm", "2")
                Update(w)  Decorated("hat", y)  Delta(i, j)  Chain((a, b), ("=",))  Logic("and", (p, q))
                Cases((Branch(value, condition), Branch(value)))  Matrix((a, b, c, d), 2)  Text("prose")  Blank(3.0)  Row((a, b))
                build: add subtract multiply divide power call indexed partial equation (names as strings, ints as numbers)
                walk: children(f)  walk(f)  replace(f, change)  fold(f, combine)      brackets: normalise(f)
    notation/   Notation(...).override(option=value), ready ones; glyph_of(name, notation): how a name looks in every format
    print/      latex  text  mathml  typst (f, notation): a table of rules each, run by one driver; wrap, markdown
    read/       read(latex, names), read_repaired(latex, names) with names = Names.of(notation, scalars="w7", indexed="X", …)
    value/      from_sympy, to_sympy, number(0.0780638, notation), values(sides, known) in floats, fractions or intervals
"""
