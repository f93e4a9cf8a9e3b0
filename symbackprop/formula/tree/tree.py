"""The written formula: what an author put on the page, in the author's order.

Nodes are immutable, and two nodes are equal when the same thing is written (the place it was read from does not count).
No node computes anything: `2*\\frac{1}{2}` stays a product of a number and a fraction. Three rules keep every formula unique:

* A number has no sign; a minus is always `Neg`. `a - b` is `Sum((a, Neg(b)))`, and `2*-1` is `Product((2, Neg(1)))`.
* Brackets that the structure forces, as around the sum in `(a+b)*c`, are not in the tree; printers add them. `Group` is
  only for brackets that the author could have left out.
* Whether a product is written `a*b`, `a b` or `a \\cdot b`, and a derivative with `∂` or `d`, is the notation's affair.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from symbackprop.errors import InternalError

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Formula:
    """Base of all nodes; `span` is the half-open range of characters it was read from, ignored by equality."""

    span: Span | None = field(default=None, compare=False, repr=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Name(Formula):
    """A name as the table of names knows it, `out_o1`; the notation decides how it looks."""

    name: str


@dataclass(frozen=True, slots=True)
class Number(Formula):
    """A number without a sign, its digits kept as they are written: `0.50` is not `0.5`."""

    text: str

    def __post_init__(self) -> None:
        if not self.text or not (self.text[0].isdigit() or self.text[0] == "."):
            raise InternalError(f"Number({self.text!r}): expected digits without a sign; a minus is Neg(Number(...))")


@dataclass(frozen=True, slots=True)
class Neg(Formula):
    """A minus in front: `-body`; inside a `Sum` the subtraction of `body`."""

    body: Formula


@dataclass(frozen=True, slots=True)
class Sum(Formula):
    """At least two terms in order; a subtracted term is `Neg`."""

    terms: tuple[Formula, ...]

    def __post_init__(self) -> None:
        _at_least_two(self.terms, "Sum")


@dataclass(frozen=True, slots=True)
class Product(Formula):
    """At least two factors in order."""

    factors: tuple[Formula, ...]

    def __post_init__(self) -> None:
        _at_least_two(self.factors, "Product")


@dataclass(frozen=True, slots=True)
class Hadamard(Formula):
    """The elementwise product `a ⊙ b` of at least two factors; binds weaker than `Product`."""

    factors: tuple[Formula, ...]

    def __post_init__(self) -> None:
        _at_least_two(self.factors, "Hadamard")


@dataclass(frozen=True, slots=True)
class Fraction(Formula):
    """`\\frac{numerator}{denominator}`, or `numerator/denominator` on the line when `inline`."""

    numerator: Formula
    denominator: Formula
    inline: bool = False


@dataclass(frozen=True, slots=True)
class Power(Formula):
    """`base^{exponent}`."""

    base: Formula
    exponent: Formula


@dataclass(frozen=True, slots=True)
class Root(Formula):
    """The square root, `\\sqrt{body}`."""

    body: Formula


@dataclass(frozen=True, slots=True)
class Call(Formula):
    """A function applied to arguments; `function` is a `Name`, or a decorated or indexed one (`f'`, `f^{(1)}`)."""

    function: Formula
    arguments: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class Partial(Formula):
    """`∂numerator/∂denominator`; `others` are the further variables of a higher derivative.

    `∂²E/∂w²` is `Partial(E, w, (w,))`.
    """

    numerator: Formula
    denominator: Formula
    others: tuple[Formula, ...] = ()


@dataclass(frozen=True, slots=True)
class Nabla(Formula):
    """The gradient `∇_wrt body`; without `wrt` just `∇ body`."""

    body: Formula
    wrt: Formula | None = None


@dataclass(frozen=True, slots=True)
class BigSum(Formula):
    """A big operator over an index: `\\sum_{index=lower}^{upper} body`.

    `operator` is one of `BIG_OPERATORS`. `index` is a name, a comma `Row` of names, or a condition (`j ≠ k`); a lower
    bound needs a single index.
    """

    body: Formula
    index: Formula | None
    lower: Formula | None = None
    upper: Formula | None = None
    operator: str = "sum"

    def __post_init__(self) -> None:
        _one_of(self.operator, BIG_OPERATORS, "BigSum.operator")
        if self.lower is not None and not isinstance(self.index, Name):
            raise InternalError("BigSum: a lower bound needs a single named index")


@dataclass(frozen=True, slots=True)
class Transpose(Formula):
    """`body^\\top`."""

    body: Formula


@dataclass(frozen=True, slots=True)
class Indexed(Formula):
    """A name with indices below, `X_{n,i}`, and labels above, the layer in `a^{l}_j`."""

    name: str
    indices: tuple[Formula, ...]
    upper: tuple[Formula, ...] = ()

    def __post_init__(self) -> None:
        if not self.indices and not self.upper:
            raise InternalError(f"Indexed({self.name!r}) has neither indices nor labels; use Name")


@dataclass(frozen=True, slots=True)
class Element(Formula):
    """An element of something that is not a plain name: `(W^\\top)_{i,j}`, `softmax(z)_k`."""

    body: Formula
    indices: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class Group(Formula):
    """The author's own brackets where none are needed, as around the exponent of `w^{(1-1)}`."""

    body: Formula
    bracket: str = "("

    def __post_init__(self) -> None:
        _one_of(self.bracket, BRACKETS, "Group.bracket")


@dataclass(frozen=True, slots=True)
class Bars(Formula):
    """An absolute value `|body|` (kind "abs") or a norm `‖body‖` (kind "norm"), whose label, one of `NORMS`, stands below."""

    body: Formula
    kind: str = "abs"
    label: str = ""

    def __post_init__(self) -> None:
        _one_of(self.kind, ("abs", "norm"), "Bars.kind")
        _one_of(self.label, NORMS if self.kind == "norm" else ("",), "Bars.label")


@dataclass(frozen=True, slots=True)
class Update(Formula):
    """The new value of a parameter, `w^+`."""

    body: Formula


@dataclass(frozen=True, slots=True)
class Decorated(Formula):
    """A name with a mark on it, one of `DECORATIONS`: `\\hat{y}`, `f'`, `Δw`."""

    kind: str
    body: Formula

    def __post_init__(self) -> None:
        _one_of(self.kind, DECORATIONS, "Decorated.kind")


@dataclass(frozen=True, slots=True)
class Delta(Formula):
    """Kronecker's delta: 1 where `first = second`, else 0."""

    first: Formula
    second: Formula


@dataclass(frozen=True, slots=True)
class Chain(Formula):
    """Parts joined by relations: `parts[0] relations[0] parts[1] …`; relations are keys of `RELATIONS`."""

    parts: tuple[Formula, ...]
    relations: tuple[str, ...]

    def __post_init__(self) -> None:
        _at_least_two(self.parts, "Chain")
        if len(self.relations) != len(self.parts) - 1:
            raise InternalError(f"Chain: {len(self.parts)} parts need {len(self.parts) - 1} relations")
        for relation in self.relations:
            _one_of(relation, RELATIONS, "Chain.relations")


@dataclass(frozen=True, slots=True)
class Logic(Formula):
    """Conditions joined by "and" or "or"."""

    operator: str
    parts: tuple[Formula, ...]

    def __post_init__(self) -> None:
        _one_of(self.operator, ("and", "or"), "Logic.operator")
        _at_least_two(self.parts, "Logic")


@dataclass(frozen=True, slots=True)
class Branch(Formula):
    """One line of `Cases`: a value, and the condition it holds under (None: otherwise)."""

    value: Formula
    condition: Formula | None = None


@dataclass(frozen=True, slots=True)
class Cases(Formula):
    """A value defined piecewise."""

    branches: tuple[Branch, ...]


@dataclass(frozen=True, slots=True)
class Matrix(Formula):
    """A matrix written out, row after row."""

    entries: tuple[Formula, ...]
    columns: int

    def __post_init__(self) -> None:
        if not self.entries or self.columns < 1 or len(self.entries) % self.columns:
            raise InternalError(f"Matrix: {len(self.entries)} entries do not fill rows of {self.columns}")

    @property
    def shape(self) -> tuple[int, int]:
        """How many rows and columns there are."""
        return len(self.entries) // self.columns, self.columns


@dataclass(frozen=True, slots=True)
class Text(Formula):
    """Prose inside a formula."""

    text: str


@dataclass(frozen=True, slots=True)
class Blank(Formula):
    """A gap to be filled in by the reader, `width` em wide; it knows no answer."""

    width: float = 3.0


@dataclass(frozen=True, slots=True)
class Row(Formula):
    """Things side by side: prose and formulas, a list such as `n, k` (separator ","), or lines (separator a line break)."""

    items: tuple[Formula, ...]
    separator: str = ""

    def __post_init__(self) -> None:
        _one_of(self.separator, ("", ",", "\n"), "Row.separator")
        _at_least_two(self.items, "Row")


NORMS = ("", "1", "2", "F", "∞")
BRACKETS = ("(", "[", "{", "(]", "[)")  # the last two around an interval that is open at one end
BIG_OPERATORS = ("sum", "prod", "max", "min", "argmax", "argmin", "lim")
DECORATIONS = ("hat", "bar", "tilde", "dot", "vec", "prime", "Delta")
RELATIONS = ("=", ":=", "≈", "←", "→", "≡", "<", ">", "≤", "≥", "≠", "∝", "∼", "∈", "⇒", "⇔", "∣")


def _at_least_two(items: tuple[Formula, ...], what: str) -> None:
    if len(items) < 2:
        raise InternalError(f"{what}: expected at least two parts, got {len(items)}")


def _one_of(value: str, known: tuple[str, ...], what: str) -> None:
    if value not in known:
        raise InternalError(f"{what}: expected one of {' '.join(known)}, got {value!r}")


#: Every kind of node, in the order above: what a printer needs a rule for.
KINDS: tuple[type[Formula], ...] = tuple(
    kind for kind in tuple(globals().values()) if isinstance(kind, type) and issubclass(kind, Formula) and kind is not Formula
)
