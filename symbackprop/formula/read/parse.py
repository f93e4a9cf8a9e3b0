"""From tokens to the written formula: one small rule for each construct, run without recursion.

    lines   list (NEWLINE list)*                 chain   sum (relation sum)*
    list    row (, row)*                         sum     sign? term (sign+ term)*
    row     (prose | logic)+                     term    factor ((times | slash | odot)? -? factor)*, a big sum takes the rest
    logic   chain (∧ chain)* or (∨ chain)*       factor  atom script*, a function with its argument, ∇ f, Δ w, ∂a/∂b

A rule is a generator: it yields the rule it needs next and is sent that rule's result, so no formula is too deep.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any

from symbackprop.formula.read.name_table import Names
from symbackprop.formula.read.scripts import Script, apply_scripts, function_head, index_list
from symbackprop.formula.read.terms import Operator, SignedFactor, called, differential, term
from symbackprop.formula.read.tokens import FACTOR_START, ReadError, Token
from symbackprop.formula.tree import tree
from symbackprop.formula.tree.brackets import PREFIXED, level
from symbackprop.formula.tree.tree import Formula, Name, Neg, Row, Span, Text

Rule = Generator["Rule", Any, Any]
_SIGNS = ("PLUS", "MINUS")
_SCRIPTS = {"SUB": "sub", "SUP": "sup", "PRIME": "prime", "UPDATE": "update", "TOP": "top", "FACTORIAL": "factorial"}
_OPENING = {"LP": ("RP", "("), "LS": ("RS", "["), "LC": ("RC", "{")}
_HALF_OPEN = {("(", "RS"): "(]", ("[", "RP"): "[)"}  # intervals
_SHOWN = {"RP": ")", "RS": "]", "RC": r"\}", "RB": "}", "RBAR": "|", "RNORM": r"\|"}


@dataclass(slots=True)
class Parser:
    """Where we stand in the tokens, and what the rules need to know."""

    tokens: list[Token]
    names: Names
    text: str
    at: int = 0
    bare: dict[int, Formula] = field(default_factory=dict)  # calls whose argument stands without brackets, by identity

    @property
    def kind(self) -> str:
        """The type of the next token, "" at the end."""
        return self.tokens[self.at].type if self.at < len(self.tokens) else ""

    @property
    def start(self) -> int:
        """Where the next token begins."""
        return self.tokens[self.at].start if self.at < len(self.tokens) else len(self.text)

    def take(self, kind: str = "") -> Token:
        """Return the next token and move on; raises ReadError where another kind is wanted."""
        if self.at >= len(self.tokens) or (kind and self.tokens[self.at].type != kind):
            raise self.unexpected(kind)
        self.at += 1
        return self.tokens[self.at - 1]

    def unexpected(self, wanted: str = "") -> ReadError:
        """Return the error about the next token."""
        hint = f"; a {_SHOWN[wanted]} is still open" if wanted in _SHOWN else ""
        if self.at >= len(self.tokens):
            return ReadError(f"the formula ends too early{hint}", (len(self.text), len(self.text)))
        token = self.tokens[self.at]
        shown = self.text[token.start : token.end] or token.type
        return ReadError(f"unexpected {shown[:40]}{hint}", (token.start, token.end))

    def span(self, start: int) -> Span:
        """Return the range from `start` to the end of what was taken last."""
        return start, self.tokens[self.at - 1].end if self.at else start


def parse(tokens: list[Token], names: Names, text: str) -> Formula:
    """Return the formula; raises ReadError."""
    parser = Parser(tokens, names, text)
    formula: Formula = _run(_lines(parser))
    if parser.at < len(tokens):
        raise parser.unexpected()
    return formula


def _run(rule: Rule) -> Any:
    waiting, value = [rule], None
    while waiting:
        try:
            inner = waiting[-1].send(value)
        except StopIteration as done:
            waiting.pop()
            value = done.value
        else:
            waiting.append(inner)
            value = None
    return value


# --- statements


def _separated(parser: Parser, rule: Callable[[Parser], Rule], separator: str, sign: str) -> Rule:
    start, items = parser.start, [(yield rule(parser))]
    while parser.kind == separator:
        parser.take()
        if separator == "COMMA" and parser.kind in _CLOSES_A_CELL:  # `{1,} & {x > 0}`
            break
        items.append((yield rule(parser)))
    return items[0] if len(items) == 1 else Row(tuple(items), sign, span=parser.span(start))


_CLOSES_A_CELL = ("RB", "AMP", "ROWSEP", "ENDCASES", "ENDMATRIX")


def _lines(parser: Parser) -> Rule:
    return (yield _separated(parser, _list, "NEWLINE", "\n"))


def _list(parser: Parser) -> Rule:
    return (yield _separated(parser, _row, "COMMA", ","))


def _row(parser: Parser) -> Rule:
    start = parser.start
    items: list[Formula] = []
    while not items or parser.kind == "TEXT" or (isinstance(items[-1], Text) and _starts_sum(parser.kind)):
        if parser.kind == "TEXT":
            items.append((yield _said(parser, first=not items)))
        else:
            items.append((yield _logic(parser)))
    return items[0] if len(items) == 1 else Row(tuple(items), span=parser.span(start))


def _said(parser: Parser, *, first: bool) -> Rule:
    """Words between formulas; at the beginning also a side that is said in words."""
    token = parser.take("TEXT")
    words = Text(token.value, span=(token.start, token.end))
    if parser.kind == "REL" and parser.tokens[parser.at].value in _FOLLOWS:
        parser.take()
    elif parser.kind == "REL" and first:
        return (yield _relations(parser, token.start, words))
    return words


_FOLLOWS = ("⇒", "→", "⇔")  # behind words: what follows from them


def _starts_sum(kind: str) -> bool:
    return kind in FACTOR_START or kind in _SIGNS or kind == "BIG"


def _logic(parser: Parser) -> Rule:
    start, parts = parser.start, [(yield _chain(parser))]
    sign = parser.kind
    while parser.kind in ("LAND", "LOR"):
        parser.take(sign)
        parts.append((yield _chain(parser)))
    if len(parts) == 1:
        return parts[0]
    return tree.Logic("and" if sign == "LAND" else "or", tuple(parts), span=parser.span(start))


def _chain(parser: Parser) -> Rule:
    start = parser.start
    return (yield _relations(parser, start, (yield _sum(parser))))


def _relations(parser: Parser, start: int, first: Formula) -> Rule:
    """A chain from its first side on; a side alone where no relation follows."""
    parts, relations = [first], []
    while parser.kind == "REL":
        relations.append(parser.take().value)
        parts.append((yield _words(parser)) if parser.kind == "TEXT" else (yield _sum(parser)))
    return tree.Chain(tuple(parts), tuple(relations), span=parser.span(start)) if relations else first


def _words(parser: Parser) -> Rule:
    """A side that is said in words, `z_i = \\text{logit of class } i`."""
    start, items = parser.start, list[Formula]()
    while parser.kind == "TEXT" or (items and isinstance(items[-1], Text) and parser.kind == "NAME"):
        if parser.kind == "TEXT":
            token = parser.take()
            items.append(Text(token.value, span=(token.start, token.end)))
        else:
            items.append((yield _scripted(parser)))
    return items[0] if len(items) == 1 else Row(tuple(items), span=parser.span(start))


def _sum(parser: Parser) -> Rule:
    start = parser.start
    terms: list[Formula] = []
    while not terms or parser.kind in _SIGNS:
        begin, minus = parser.start, 0
        while parser.kind in _SIGNS:  # `a + -0.019`, `= +y`
            minus += parser.take().type == "MINUS"
        body = yield _term(parser)
        for _ in range(minus):
            body = Neg(body, span=parser.span(begin))
        terms.append(body)
    for part in terms if len(terms) > 1 else ():
        _no_function(parser, part)
    return terms[0] if len(terms) == 1 else tree.Sum(tuple(terms), span=parser.span(start))


def _no_function(parser: Parser, part: Formula) -> None:
    """Raise for a function without its argument where a value is wanted: a function is never a term or a factor."""
    while isinstance(part, Neg | tree.Power | tree.Decorated):
        part = part.base if isinstance(part, tree.Power) else part.body
    if isinstance(part, Name) and parser.names.is_elementary(part.name):
        raise ReadError(f"the function {part.name} has no argument here", part.span or (parser.start, parser.start))


# --- terms and factors


def _term(parser: Parser) -> Rule:
    start, items = parser.start, [SignedFactor("", (yield _factor(parser)))]
    while parser.kind in _GOES_ON:
        sign = parser.take().value if parser.kind in _JOINING else ""
        begin = parser.start
        minus = sign != "" and parser.kind in _SIGNS and parser.take().type == "MINUS"
        factor = yield _factor(parser)
        items.append(SignedFactor(sign, Neg(factor, span=parser.span(begin)) if minus else factor))
    if len(items) > 1:
        for item in items:
            _no_function(parser, item.factor)
    return term(items, parser.bare, parser.span(start), calls=parser.names.called if parser.names.guessed else None)


_JOINING = ("TIMES", "SLASH", "ODOT", "OPERATOR")
_GOES_ON = FACTOR_START | {*_JOINING, "BIG"}


def _factor(parser: Parser) -> Rule:
    rule = _FACTORS.get(parser.kind, _scripted)
    return (yield rule(parser))


def _big(parser: Parser) -> Rule:
    start = parser.start
    operator = parser.take().value
    found: dict[str, Any] = {}
    for kind, value in (yield _scripts(parser)):
        if kind not in ("sub", "sup") or kind in found:
            raise ReadError(f"expected one lower and one upper bound of \\{operator}", parser.span(start))
        found[kind] = value
    begin = parser.start
    minus = parser.kind in _SIGNS and parser.take().type == "MINUS"
    body = yield _term(parser)
    _no_function(parser, body)
    body = Neg(body, span=parser.span(begin)) if minus else body
    index, lower = found.get("sub"), None
    if isinstance(index, tree.Chain) and index.relations == ("=",) and isinstance(index.parts[0], Name):
        index, lower = index.parts
    return tree.BigSum(body, index, lower, found.get("sup"), str(operator), span=parser.span(start))


def _nabla(parser: Parser) -> Rule:
    start = parser.take().start
    scripts = yield _scripts(parser)
    found = dict(scripts)
    if found.keys() - {"sub", "sup"} or len(found) < len(scripts) or found.get("sup", _TWO) != _TWO:
        raise ReadError("expected at most one subscript on ∇, and no power but 2", parser.span(start))
    body = yield _scripted(parser)
    for _ in range(len(found) - ("sub" in found)):
        body = tree.Nabla(body, found.get("sub"), span=parser.span(start))
    return tree.Nabla(body, found.get("sub"), span=parser.span(start))


_TWO = tree.Number("2")


def _change(parser: Parser) -> Rule:
    start = parser.take().start
    if parser.kind in _SCRIPTS and parser.names.guessed:  # `Δ_t`, `Δ^{(l)}`: a quantity that is called so
        name = Name("Delta", span=parser.span(start))
        return apply_scripts(parser, name, (yield _scripts(parser)), parser.span(start))
    if parser.kind not in FACTOR_START:
        return Name("Delta", span=parser.span(start))
    return tree.Decorated("Delta", (yield _scripted(parser)), span=parser.span(start))


def _inline_derivative(parser: Parser) -> Rule:
    """`∂a/∂b`, and `∂_x f`."""
    start = parser.take("PARTIAL").start
    if parser.kind == "SUB":
        parser.take()
        variable = yield _group(parser)
        return tree.Partial((yield _scripted(parser)), variable, span=parser.span(start))
    above = yield _scripted(parser)
    if parser.kind != "SLASH" and parser.names.guessed and isinstance(above, Name | tree.Indexed):
        return _of_its_own(above, parser.span(start))
    parser.take("SLASH")
    return tree.Partial(above, (yield _differential(parser)), span=parser.span(start))


def _of_its_own(above: Name | tree.Indexed, span: Span) -> Formula:
    """`\\mathrm{d} W` that is no part of a derivative: a quantity that is called so."""
    name = f"d{above.name}"
    return Name(name, span=span) if isinstance(above, Name) else tree.Indexed(name, above.indices, above.upper, span=span)


def _differential(parser: Parser) -> Rule:
    braced = parser.kind == "LB"
    if braced:
        parser.take()
    parser.take("PARTIAL")
    variable = yield _scripted(parser)
    if braced:
        parser.take("RB")
    return variable


def _scripted(parser: Parser) -> Rule:
    start = parser.start
    if parser.kind == "FUNC":
        return (yield _function(parser))
    rule = _ATOMS.get(parser.kind)
    if rule is None:
        raise parser.unexpected()
    atom = yield rule(parser)
    if parser.kind not in _SCRIPTS:
        return atom
    scripts = yield _scripts(parser)
    if isinstance(atom, Operator):
        raise ReadError("a derivative without a numerator takes no subscript or superscript", parser.span(start))
    _no_function(parser, atom)
    return apply_scripts(parser, atom, scripts, parser.span(start))


def _function(parser: Parser) -> Rule:
    """A function with the argument behind it, in brackets or a single factor or big sum; alone it is a name."""
    token = parser.take()
    name = Name(token.value, span=(token.start, token.end))
    scripts = yield _scripts(parser)
    bracketed = parser.kind in _OPENING
    if not bracketed:
        if parser.kind not in _ARGUMENT_START:
            return apply_scripts(parser, name, scripts, parser.span(token.start))
        if not parser.names.is_elementary(name.name):
            raise ReadError(
                f"two readings: {name.name} as a function of what follows, or a product? Write brackets", parser.span(token.start)
            )
    head, exponent = function_head(parser, name, scripts, parser.span(token.start))
    if bracketed:
        closing, _ = _OPENING[parser.take().type]
        listed = yield _list(parser)
        parser.take(closing)
        arguments = listed.items if isinstance(listed, Row) and listed.separator == "," else (listed,)
    else:
        arguments = ((yield _called_argument(parser)),)
        _no_function(parser, arguments[0])
    call: Formula = tree.Call(head, tuple(arguments), span=parser.span(token.start))
    if exponent is not None:
        call = tree.Power(call, exponent, span=parser.span(token.start))
    if not bracketed:
        parser.bare[id(call)] = call
        return call
    return apply_scripts(parser, call, (yield _scripts(parser)), parser.span(token.start))


def _called_argument(parser: Parser) -> Rule:
    """What stands behind a function without brackets: a factor, or what is called itself, `\\log p(x)`."""
    factor = yield _factor(parser)
    if parser.kind != "LP" or not parser.names.guessed:
        return factor
    mark = parser.at
    call = called(factor, (yield _bracket(parser)), parser.names.called)
    if call is None:
        parser.at = mark
    return factor if call is None else call


def _scripts(parser: Parser) -> Rule:
    found: list[Script] = []
    while parser.kind in _SCRIPTS:
        kind = parser.take().type
        if kind == "SUP" and (sign := _lone_sign(parser)):
            found.append(("sign", sign))
        else:
            found.append((_SCRIPTS[kind], (yield _group(parser)) if kind in ("SUB", "SUP") else None))
    return found


def _lone_sign(parser: Parser) -> str:
    """Take the sign of `J^-`, which says which one is meant; "" for anything else above."""
    kinds = [token.type for token in parser.tokens[parser.at : parser.at + 3]]
    if kinds != ["LB", "MINUS", "RB"]:
        return ""
    parser.at += 3
    return "minus"


def _group(parser: Parser) -> Rule:
    parser.take("LB")
    body = yield _list(parser)
    parser.take("RB")
    return body


# --- atoms


def _leaf(make: Callable[[Token], Formula]) -> Callable[[Parser], Rule]:
    def rule(parser: Parser) -> Rule:
        return make(parser.take())
        yield  # a rule like the others

    return rule


def _bracket(parser: Parser) -> Rule:
    start = parser.start
    closing, sign = _OPENING[parser.take().type]
    body = yield _list(parser)
    if isinstance(body, Row) and len(body.items) == 2 and (sign, parser.kind) in _HALF_OPEN:
        closing, sign = parser.kind, _HALF_OPEN[sign, parser.kind]
    parser.take(closing)
    return tree.Group(body, sign, span=parser.span(start))


def _braces(parser: Parser) -> Rule:
    if parser.tokens[parser.at + 1 : parser.at + 2] and parser.tokens[parser.at + 1].type == "PARTIAL":
        mark, start = parser.at, parser.start
        above = yield _differential(parser)
        if parser.kind == "SLASH":  # `{∂y}/{∂z}`
            parser.take()
            return tree.Partial(above, (yield _differential(parser)), span=parser.span(start))
        parser.at = mark
    start, before = parser.start, parser.tokens[parser.at - 1].type if parser.at else ""
    body = yield _group(parser)
    if isinstance(body, Row) and body.separator == ",":
        return tree.Group(body, "{", span=parser.span(start))  # a set whose brackets TeX does not show
    if level(body) < PREFIXED and not isinstance(body, tree.Product) and not _stands_alone(parser, before, body):
        raise ReadError("these braces do not show; write brackets", parser.span(start))
    return body


_CLOSED = frozenset(("RP", "RS", "RC", "RB", "RU", "RBAR", "RNORM", "ENDCASES", "ENDMATRIX"))
_ENDS = frozenset(("", "REL", "COMMA", "NEWLINE", "ROWSEP", "AMP", "TEXT")) | _CLOSED
_BEGINS = (_ENDS - _CLOSED) | {"LP", "LS", "LC", "LB", "LU", "LBAR", "LNORM", "CASES", "MATRIX"}


def _stands_alone(parser: Parser, before: str, body: Formula) -> bool:
    """Whether it makes no difference that braces do not show: they hold a whole side, the inside of brackets, terms of a sum."""
    if before in _BEGINS and parser.kind in _ENDS:
        return True
    is_term = not isinstance(body, tree.Chain | Row | tree.Logic)
    return is_term and (before in _BEGINS or before == "PLUS") and (parser.kind in _ENDS or parser.kind in _SIGNS)


def _braced(parser: Parser) -> Rule:
    """What a brace above or below holds together, `\\underbrace{a + b}_{why}`."""
    start = parser.take("LU").start
    body = yield _list(parser)
    parser.take("RU")
    return body if level(body) >= PREFIXED else tree.Group(body, "(", span=parser.span(start))


def _bars(kind: str, closing: str) -> Callable[[Parser], Rule]:
    def rule(parser: Parser) -> Rule:
        start = parser.take().start
        body = yield _list(parser)
        parser.take(closing)
        label = parser.take().value if parser.kind == "NORMKIND" else ""
        return tree.Bars(body, kind, label, span=parser.span(start))

    return rule


def _fraction(parser: Parser) -> Rule:
    mark = parser.at
    start = parser.take().start
    if parser.tokens[parser.at + 1 : parser.at + 2] and parser.tokens[parser.at + 1].type == "PARTIAL":
        found = yield _derivative(parser)
        if found is not None:
            return found
        parser.at = mark + 1
    above = yield _group(parser)
    below = yield _group(parser)
    for part in (above, below):
        _no_function(parser, part)
    return tree.Fraction(above, below, span=parser.span(start))


def _derivative(parser: Parser) -> Rule:
    """`{∂^2 E}{∂w ∂v}` behind the sign of a fraction; None where the numerator is an inline derivative."""
    start = parser.tokens[parser.at - 1].start
    parser.take("LB")
    parser.take("PARTIAL")
    order, above = None, None
    if parser.kind == "SUP":
        parser.take()
        order = yield _group(parser)
    if parser.kind != "RB":
        begin = parser.at
        above = (yield _scripted(parser)) if parser.kind != "BIG" else None
        if parser.kind == "SLASH":
            return None
        if parser.kind != "RB":  # of a product, a sum over an index: all that stands above
            parser.at = begin
            above = yield _term(parser)
    parser.take("RB")
    parser.take("LB")
    _sign_below(parser)
    below = []
    while parser.kind == "PARTIAL":
        parser.take()
        below.append((yield _scripted(parser)))
    parser.take("RB")
    return differential(order, above, below, parser.names.layered, parser.span(start))


def _sign_below(parser: Parser) -> None:
    """Raise for `\\frac{\\partial C}{b}`, with what is missing below."""
    token = parser.tokens[parser.at] if parser.kind == "NAME" else None
    if token is not None:
        written = parser.text[token.start : token.end]
        raise ReadError("the sign of the derivative is missing below", (token.start, token.end), rf"\partial {written}")


def _root(parser: Parser) -> Rule:
    token = parser.take()
    body = yield _group(parser)
    span = parser.span(token.start)
    if token.value == "2":
        return tree.Root(body, span=span)
    return tree.Power(body, tree.Fraction(tree.Number("1"), tree.Number(token.value), inline=True), span=span)


def _integral(parser: Parser) -> Rule:
    """An integral, which is read and has no value here: what is integrated, and by what."""
    start = parser.take("INT").start
    limits = yield _scripts(parser)
    by = yield _integrated_by(parser)
    body = (yield _term(parser)) if parser.kind in FACTOR_START or parser.kind in ("BIG", "FUNC") else tree.Number("1")
    by += yield _integrated_by(parser)
    parts = (body, *by, *(value for _, value in limits if value is not None))
    return tree.Call(Name("integral"), parts, span=parser.span(start))


def _integrated_by(parser: Parser) -> Rule:
    found: list[Formula] = []
    while parser.kind == "BY":
        parser.take()
        found.append((yield _scripted(parser)))
    return found


def _mark(parser: Parser) -> Rule:
    token = parser.take()
    return tree.Decorated(token.value, (yield _group(parser)), span=parser.span(token.start))


def _kronecker(parser: Parser) -> Rule:
    start = parser.take().start
    parser.take("SUB")
    listed = index_list(parser, None, (yield _group(parser)), parser.span(start))
    if len(listed) != 2:
        raise ReadError(f"Kronecker's delta takes two indices, got {len(listed)}", parser.span(start))
    return tree.Delta(*listed, span=parser.span(start))


def _cases(parser: Parser) -> Rule:
    start = parser.take().start
    branches: list[tree.Branch] = []
    while not branches or parser.kind == "ROWSEP":
        if branches:
            parser.take()
            if parser.kind == "ENDCASES":
                break
        branches.append((yield _branch(parser)))
    parser.take("ENDCASES")
    return tree.Cases(tuple(branches), span=parser.span(start))


def _matrix(parser: Parser) -> Rule:
    start = parser.take().start
    rows: list[list[Formula]] = [[]]
    while parser.kind != "ENDMATRIX":
        rows[-1].append((yield _cell(parser)))
        if parser.kind == "ROWSEP":
            parser.take()
            rows += [[]] if parser.kind != "ENDMATRIX" else []
        elif parser.kind != "ENDMATRIX":
            parser.take("AMP")
    parser.take("ENDMATRIX")
    widths = list(map(len, rows))
    if len(set(widths)) != 1 or not rows[0]:
        raise ReadError(f"a matrix with rows of {', '.join(map(str, widths))} entries", parser.span(start))
    return tree.Matrix(tuple(entry for row in rows for entry in row), widths[0], span=parser.span(start))


def _cell(parser: Parser) -> Rule:
    """An entry of a matrix, which may be empty."""
    empty = parser.kind in ("AMP", "ROWSEP")
    return Text("", span=(parser.start, parser.start)) if empty else (yield _row(parser))


def _branch(parser: Parser) -> Rule:
    start, value, condition = parser.start, (yield _row(parser)), None
    comma = parser.kind == "COMMA"
    while parser.kind == "COMMA":
        parser.take()
    if parser.kind == "AMP" or (comma and parser.kind not in ("ROWSEP", "ENDCASES")):
        if parser.kind == "AMP":
            parser.take()
        condition = yield _row(parser)
        if parser.kind == "COMMA":
            parser.take()
    return tree.Branch(value, _condition(condition), span=parser.span(start))


def _condition(condition: Formula | None) -> Formula | None:
    """Return a condition without the word before it; None for "otherwise"."""
    if isinstance(condition, Text) and condition.text.strip() in _OTHERWISE:
        return None
    if isinstance(condition, Row) and len(condition.items) == 2:
        word, rest = condition.items
        if isinstance(word, Text) and word.text.strip() in _IF:
            return rest
    return condition


_OTHERWISE = ("otherwise", "else", "否则", "其他")
_IF = ("if", "when", "for", "若", "如果", "当")

_FACTORS: Mapping[str, Callable[[Parser], Rule]] = {
    "BIG": _big,
    "NABLA": _nabla,
    "CHANGE": _change,
    "PARTIAL": _inline_derivative,
    "INT": _integral,
}
_ATOMS: Mapping[str, Callable[[Parser], Rule]] = {
    "NAME": _leaf(lambda token: Name(token.value, span=(token.start, token.end))),
    "NUMBER": _leaf(lambda token: tree.Number(token.value, span=(token.start, token.end))),
    "BLANK": _leaf(lambda token: tree.Blank(float(token.value), span=(token.start, token.end))),
    **dict.fromkeys(_OPENING, _bracket),
    "LB": _braces,
    "LU": _braced,
    "FRAC": _fraction,
    "ROOT": _root,
    "LBAR": _bars("abs", "RBAR"),
    "LNORM": _bars("norm", "RNORM"),
    "MARK": _mark,
    "KRONECKER": _kronecker,
    "CASES": _cases,
    "MATRIX": _matrix,
}
#: What may stand behind a function as its argument without brackets.
_ARGUMENT_START = frozenset(_ATOMS) - frozenset(_OPENING) | {"FUNC", "BIG"}
