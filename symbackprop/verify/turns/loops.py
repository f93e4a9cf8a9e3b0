"""Training loops in the text of a file: `for … : forward; backward; W -= rate * dW`, at the top, in a function or in a method.

Seen is the text alone. A weight is what the loop changes by adding to it, and reads elsewhere in a turn; a counter and a sum of
losses are none.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

Loop = ast.For | ast.While


@dataclass(frozen=True, slots=True)
class TrainingLoop:
    """A loop whose `body` moves weights.

    `before` are the statements that lead to it, those of loops around it included; `headers` are these loops and itself, the
    outermost first; `host` is the function that it stands in and `owner` that function's class, if any; `weights` are names, or
    attributes `self.W`.
    """

    before: tuple[ast.stmt, ...]
    headers: tuple[Loop, ...]
    body: tuple[ast.stmt, ...]
    weights: tuple[str, ...]
    host: ast.FunctionDef | None = None
    owner: ast.ClassDef | None = None

    @property
    def line(self) -> int:
        """The line of the loop's header."""
        return self.headers[-1].lineno

    @property
    def own_weights(self) -> tuple[str, ...]:
        """The weights that are variables, no attributes of an object."""
        return tuple(name for name in self.weights if "." not in name)

    @property
    def parameters(self) -> tuple[str, ...]:
        """The arguments of the function that the loop stands in."""
        return tuple(a.arg for a in self.host.args.args if a.arg != "self") if self.host is not None else ()

    @property
    def options(self) -> dict[str, bool | str]:
        """The switches of the function that the loop stands in, with what they are where nobody gives them: `verbose=False`."""
        arguments = self.host.args if self.host is not None else None
        last = arguments.args[len(arguments.args) - len(arguments.defaults) :] if arguments is not None else []
        given = zip(last, arguments.defaults, strict=True) if arguments is not None else ()
        return {argument.arg: default.value for argument, default in given if _is_switch(default)}  # type: ignore[attr-defined]

    @property
    def turns_as_written(self) -> bool:
        """Whether the outermost loop counts, and nothing that its function is given says how far."""
        header = self.headers[0]
        counts = isinstance(header, ast.While) or "range" in ast.unparse(header.iter)
        return counts and not {*self.parameters, "self"} & {*loaded(header.iter if isinstance(header, ast.For) else header.test)}

    @property
    def variables(self) -> tuple[str, ...]:
        """What the headers count and take out, `epoch`, `x` and `y`."""
        targets = (header.target for header in self.headers if isinstance(header, ast.For))
        return tuple(name for target in targets for name in stored([target]))


def _is_switch(default: ast.expr) -> bool:
    """Whether an option is a truth value or a text by default."""
    return isinstance(default, ast.Constant) and isinstance(default.value, bool | str)


def training_loops(tree: ast.Module) -> Iterator[TrainingLoop]:
    """Yield the training loops of a file: those at the top first, then those in functions, then those in methods."""
    yield from _within(tree.body, (), ())
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield from _hosted(node, None)
    for owner in tree.body:
        if isinstance(owner, ast.ClassDef):
            for method in owner.body:
                yield from _hosted(method, owner) if isinstance(method, ast.FunctionDef) else ()


def _hosted(host: ast.FunctionDef, owner: ast.ClassDef | None) -> Iterator[TrainingLoop]:
    return (replace(loop, host=host, owner=owner) for loop in _within(host.body, (), ()))


def _within(statements: Sequence[ast.stmt], before: tuple[ast.stmt, ...], headers: tuple[Loop, ...]) -> Iterator[TrainingLoop]:
    for place, statement in enumerate(statements):
        ahead = (*before, *statements[:place])
        if isinstance(statement, Loop):
            moved = _weights(statement.body)
            if moved:
                yield TrainingLoop(ahead, (*headers, statement), tuple(statement.body), moved)
            else:
                yield from _within(statement.body, ahead, (*headers, statement))
        elif isinstance(statement, ast.If | ast.With | ast.Try):
            yield from _within(statement.body, ahead, headers)


def _weights(body: Sequence[ast.stmt]) -> tuple[str, ...]:
    """Return what the statements of a loop move and read elsewhere, unless they make it themselves."""
    made: set[str] = set()
    moved: dict[str, list[ast.stmt]] = {}
    for statement in body:
        place = _moved_by(statement)
        if place is not None and place not in made:
            moved.setdefault(place, []).append(statement)
        elif isinstance(statement, ast.Assign):
            made |= set(map(ast.unparse, statement.targets))
            made |= set(stored([statement]))
    return tuple(place for place, own in moved.items() if _is_read(place, [s for s in body if s not in own]))


def _moved_by(statement: ast.stmt) -> str | None:
    """Return the variable that a statement adds to, `W` of `W += …`, of `W = W - …` and of `W["a"] -= …`; of a count none."""
    if isinstance(statement, ast.AugAssign) and isinstance(statement.op, ast.Add | ast.Sub):
        return _place(statement.target) if not isinstance(statement.value, ast.Constant) else None
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1 and isinstance(statement.value, ast.BinOp):
        value = statement.value
        same = ast.unparse(value.left) == ast.unparse(statement.targets[0])
        if same and isinstance(value.op, ast.Add | ast.Sub) and not isinstance(value.right, ast.Constant):
            return _place(statement.targets[0])
    return None


def _place(target: ast.expr) -> str | None:
    """Return the variable or attribute in which a target lies."""
    if isinstance(target, ast.Subscript):
        return _place(target.value)
    if isinstance(target, ast.Name):
        return target.id
    own = isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "self"
    return ast.unparse(target) if own else None


def _is_read(place: str, statements: Iterable[ast.stmt]) -> bool:
    nodes = (node for statement in statements for node in ast.walk(statement))
    return any(isinstance(node, ast.Name | ast.Attribute) and ast.unparse(node) == place for node in nodes)


# ---- names ----------------------------------------------------------------------------------------------------------------


def stored(nodes: Iterable[ast.AST]) -> list[str]:
    """Return the names that statements, or targets, give values to."""
    return [*dict.fromkeys(_names((node for top in nodes for node in ast.walk(top)), ast.Store))]


def loaded(node: ast.AST) -> list[str]:
    """Return the names that a statement reads, in order; `W += 1` reads W."""
    every = [*ast.walk(node)]
    moved = [inner.target for inner in every if isinstance(inner, ast.AugAssign)]
    read = [*_names(moved, ast.Store), *_names(every, ast.Load)]
    own = {name for inner in every for name in _of_its_own(inner)}
    return [name for name in dict.fromkeys(read) if name not in own]


def _names(nodes: Iterable[ast.AST], context: type[ast.expr_context]) -> list[str]:
    return [node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, context)]


def _of_its_own(node: ast.AST) -> list[str]:
    """Return the names that only a comprehension or a lambda knows."""
    if isinstance(node, ast.Lambda):
        return [argument.arg for argument in node.args.args]
    return stored([node.target]) if isinstance(node, ast.comprehension) else []


def free(statements: Sequence[ast.stmt]) -> list[str]:
    """Return the names that statements read before they give them a value."""
    found: dict[str, None] = {}
    known: set[str] = set()
    for statement in statements:
        found.update(dict.fromkeys(name for name in loaded(statement) if name not in known))
        known |= set(stored([statement]))
    return list(found)


def needed(statements: Sequence[ast.stmt], names: Collection[str]) -> list[ast.stmt]:
    """Return the assignments that names come from, and what those come from, in their order."""
    wanted = set(names)
    kept: list[ast.stmt] = []
    for statement in reversed(statements):
        if isinstance(statement, ast.Assign | ast.AugAssign | ast.AnnAssign) and wanted & set(stored([statement])):
            kept.append(statement)
            wanted |= set(loaded(statement))
    return kept[::-1]
