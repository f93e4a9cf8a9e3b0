"""The house rules that a program can check, each shown to catch an offender.

* a package imports only from those before it in the pipeline, no module imports in a circle;
* what checks handwritten work reaches, directly or through others, nothing of what it checks;
* what makes a handout loads nothing of what checks, no reader of LaTeX, no progress bars: one page starts at once;
* an import inside a function states its reason; every other package imported is a declared dependency;
* text never becomes code or mathematics (`eval`, `sympify` …) but where a listed module says why;
* a folder holds 15 modules at most, every module is reached from an entry point, decisions are few in one place, a class
  has its name for itself, and nothing is set on it outside its body.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest
from radon.visitors import ComplexityVisitor

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "symbackprop"
#: The rooms in the order of the data, and inside each its sub-rooms and modules in theirs: imports point backwards only.
ROOMS: dict[str, tuple[str, ...]] = {
    "errors": (),
    "files": (),
    "guest": ("audit", "visit", "rewriting", "stand_ins", "imports", "process", "supervised"),
    "functions": (
        *("row", "powers", "exponential", "trigonometric", "hyperbolic", "gaussian", "logistic", "comparisons", "rectifiers"),
        *("reductions", "matrices", "table", "definitions"),
    ),
    "formula": ("tree", "notation", "print", "read", "value"),
    "network": ("wording", "sizes", "indices", "node", "places", "validate", "model", "names"),
    "layers": (
        *(
            "shared",
            "dense",
            "softmax",
            "matrices",
            "convolution",
            "pooling",
            "normalisation",
            "attention",
            "recurrent",
            "losses",
            "scalar",
        ),
    ),
    "derive": ("reasons", "sweep", "textbook", "matrix", "steps", "statements"),
    "numeric": ("program", "code", "javascript", "run"),
    "trace": ("graph", "arrays", "run"),
    "capturing": ("record", "roll", "build", "rolling", "sizing", "confirm", "capture", "explanation_text", "explain"),
    "verify": (
        *("records", "wording", "budget", "binding", "reference", "equal", "explain", "mend", "report"),
        *("passes", "turns", "verdict", "trial", "optimiser", "check", "layer"),
    ),
    "proofreading": (
        *("text", "claims", "meaning", "shapes", "judging", "remedy"),
        *("report_text", "annotated_page", "proofread_report", "corrected", "proofread"),
    ),
    "writeup": ("page", "numbers", "outline", "student", "drawing", "print", "slides", "lesson", "make"),
    "api": (),
    "testing": (),
    "pytest_plugin": (),
    "own_files": (),
    "network_file": (),
    "notebook": (),
    "loading": (),
    "isolation": (),
    "roster": (),
    "grading": (
        *("phrases", "graded", "duplicates", "submissions", "notebook_code", "task", "workers", "course", "reference"),
        *("marks", "gradebook", "feedback", "overview", "grade"),
    ),
    "cli": (),
    "book": ("pieces", "mkdocs_blocks", "sphinx_directive", "mkdocs_plugin", "pandoc_filter"),
}
PIPELINE = tuple(ROOMS)
TOP = ("", "__main__")  # the package itself (it re-exports) and its entry point may import everything

# Deciding whether handwritten code is right must not rest on the derivation it is compared with.
INDEPENDENT = tuple(f"{PACKAGE}.{name}" for name in ("trace.run.trace", "verify.equal.equality"))
UNREACHABLE = tuple(f"{PACKAGE}.{name}" for name in ("network", "derive", "numeric"))
#: Columns of a function's row that say what its derivative is.
SLOPE_COLUMNS = {"slopes", "misremembered", "fdiff"}

# What a handout must not wait for: loading these takes as long as making the page.
QUICK = f"{PACKAGE}.cli.handout"
SLOW_TO_LOAD = (f"{PACKAGE}.trace", f"{PACKAGE}.verify", "rich", "urllib", "xml.sax")

# What turns text into code or mathematics. `sympify(x, strict=True)` refuses text, so that call is fine.
DANGEROUS = {"eval", "exec", "sympify", "parse_expr", "parse_latex", "__import__"}
METHODS = {"eval"}  # sympy's `Function.eval` is a method of the same name
ALLOWED_CALLS = {  # (module, call) -> the reason
    (f"{PACKAGE}.numeric.run.function", "exec"): "runs source that the package has just generated from checked definitions",
}

#: What may be set on a class from outside: (module, class and attribute) -> the reason.
ALLOWED_PATCHES = {
    (f"{PACKAGE}.functions.reductions", "IndexSum.__name__"): "sympy sorts, hashes and prints by it; a class body cannot set it",
}

#: Modules that load what they find in a folder.
LOOKS_THROUGH = {f"{PACKAGE}.cli": f"{PACKAGE}.cli", f"{PACKAGE}.writeup.print.formats": f"{PACKAGE}.writeup.print"}

#: Modules that nothing here imports: another program loads them, and what it is made of is there then.
HOSTED = {
    f"{PACKAGE}.book.sphinx_directive": {"sphinx", "docutils"},
    f"{PACKAGE}.book.mkdocs_plugin": {"mkdocs"},
}

MOST_MODULES = 15
ENTRIES = (
    PACKAGE,
    f"{PACKAGE}.__main__",
    f"{PACKAGE}.cli",
    f"{PACKAGE}.testing",
    f"{PACKAGE}.pytest_plugin",
    f"{PACKAGE}.layers",
    *(f"{PACKAGE}.book.{name}" for name in ("sphinx_directive", "mkdocs_plugin", "pandoc_filter")),
)
DISTRIBUTION = {"flint": "python-flint"}  # where the name imported is not the name installed

Sources = Mapping[str, str]  # dotted module name -> source text


@cache
def project_sources() -> Sources:
    """Return the source of every module of the package by its dotted name."""
    found = {}
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = path.read_text(encoding="utf-8")
    return found


# ---- reading a module --------------------------------------------------------------------------------------


@cache
def parsed(source: str) -> ast.Module:
    """Return the syntax tree of a source, which several rules walk."""
    return ast.parse(source)


STATEMENTS = (ast.stmt, ast.ExceptHandler, ast.match_case)


@cache
def import_statements(source: str) -> tuple[tuple[ast.Import | ast.ImportFrom, bool, bool], ...]:
    """Return the import statements of a source, each with whether it stands inside a function, and whether only for types."""
    found = []
    waiting: list[tuple[ast.AST, bool, bool]] = [(parsed(source), False, False)]
    while waiting:
        node, hidden, typing = waiting.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            found.append((node, hidden, typing))
        hidden = hidden or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        typing = typing or (isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING")
        # An import is a statement: what stands inside an expression need not be looked through.
        waiting += [(child, hidden, typing) for child in ast.iter_child_nodes(node) if isinstance(child, STATEMENTS)]
    return tuple(found)


def imports(module: str, sources: Sources) -> Iterator[tuple[str, int, bool]]:
    """Yield (what is imported, line, whether inside a function) for each import of a module, as dotted names.

    `from package import name` is the module `package.name` where there is one, else `package`.
    """
    for node, hidden, _ in import_statements(sources[module]):
        for name in imported_names(module, node, sources):
            yield name, node.lineno, hidden


def imported_names(module: str, node: ast.Import | ast.ImportFrom, sources: Sources) -> list[str]:
    """Return the dotted names of what one statement imports, each once."""
    if isinstance(node, ast.Import):
        return list(dict.fromkeys(alias.name for alias in node.names))
    base = absolute_base(module, node, sources)
    names = (f"{base}.{alias.name}" for alias in node.names)
    return list(dict.fromkeys(name if name in sources else base for name in names))


def absolute_base(module: str, node: ast.ImportFrom, sources: Sources) -> str:
    """Return the dotted name an import starts from, with leading dots resolved."""
    if not node.level:
        return node.module or ""
    is_package = any(name.startswith(f"{module}.") for name in sources)
    parts = module.split(".")
    anchor = parts[: len(parts) - node.level + is_package]
    return ".".join([*anchor, *(node.module.split(".") if node.module else [])])


def comments(source: str) -> dict[int, str]:
    """Return the comment text of each line that has one."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {token.start[0]: token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT}


def graph(sources: Sources) -> dict[str, set[str]]:
    """Return, for each module, the modules of the project that it imports."""
    return {module: {name for name, _, _ in imports(module, sources) if name in sources and name != module} for module in sources}


def rank(module: str) -> tuple[int, int]:
    """Return the place of a module's room in the pipeline, and of its sub-room in it; an `__init__` may use its whole room.

    Raises AssertionError when it has none.
    """
    _, part, inner = [*module.split("."), "", ""][:3]
    if part in TOP:
        return len(PIPELINE), 0
    assert part in PIPELINE, f"{module}: not in the pipeline {' < '.join(PIPELINE)}"
    inside = ROOMS[part]
    if not inner or not inside:
        return PIPELINE.index(part), len(inside)
    assert inner in inside, f"{module}: {inner} is no sub-room of {part}: {' < '.join(inside)}"
    return PIPELINE.index(part), inside.index(inner)


# ---- the rules ---------------------------------------------------------------------------------------------


def upward_imports(sources: Sources) -> list[str]:
    """Return the imports of a room from one that comes after it, and of a sub-room from a later one of the same room.

    A room's `__init__` stands for what it hands out, so another room may import it.
    """
    return [
        f"{module} imports {name}, which comes later in the pipeline"
        for module, names in graph(sources).items()
        for name in sorted(names)
        if rank(name) > rank(module)
    ]


def crowded_folders(sources: Sources) -> list[str]:
    """Return the folders of more than 15 modules."""
    folders = Counter(module.rpartition(".")[0] for module in sources if not is_package(module, sources))
    return [f"{folder}: {count} modules, at most {MOST_MODULES}" for folder, count in folders.items() if count > MOST_MODULES]


def is_package(module: str, sources: Sources) -> bool:
    """Return whether a module is the `__init__` of a folder."""
    return any(name.startswith(f"{module}.") for name in sources)


def unreached_modules(sources: Sources) -> list[str]:
    """Return the modules that no entry point leads to; those loaded by name at first use count as imported by who loads them."""
    edges = graph(sources)
    reached, waiting = set(ENTRIES), list(ENTRIES)
    while waiting:
        module = waiting.pop()
        source = sources.get(module, "")
        by_name = {text for text in re.findall(rf"[\"']({PACKAGE}(?:\.\w+)+)[\"']", source) if text in sources}
        for name in edges.get(module, set()) | by_name | looked_through(module, sources):
            if name not in reached:
                reached.add(name)
                waiting.append(name)
    return sorted(module for module in sources if module not in reached and not is_package(module, sources))


def looked_through(module: str, sources: Sources) -> set[str]:
    """Return the modules of the folder that a module looks through for what it loads."""
    return {name for name in sources if module in LOOKS_THROUGH and name.startswith(f"{LOOKS_THROUGH[module]}.")}


def import_cycles(sources: Sources) -> list[str]:
    """Return the circles of imports, each once, written `a -> b -> a`."""
    edges = graph(sources)
    found: set[str] = set()
    done: set[str] = set()
    for start in sorted(edges):
        path: list[str] = []
        stack = [(start, iter(sorted(edges[start])))] if start not in done else []
        path.extend([start] if stack else [])
        while stack:
            _, children = stack[-1]
            child = next(children, None)
            if child is None:
                done.add(path.pop())
                stack.pop()
            elif child in path:
                found.add(" -> ".join([*path[path.index(child) :], child]))
            elif child not in done:
                path.append(child)
                stack.append((child, iter(sorted(edges[child]))))
    return sorted(found)


def dependent_checkers(sources: Sources) -> list[str]:
    """Return the modules that must stand alone but reach the network or its derivation."""
    edges = graph(sources)
    problems = []
    for module in INDEPENDENT:
        reached, waiting = {module}, [module]
        while waiting:
            for name in edges.get(waiting.pop(), ()):
                if name not in reached:
                    reached.add(name)
                    waiting.append(name)
        problems += [f"{module} reaches {name}" for name in sorted(reached) if name.startswith(UNREACHABLE)]
        problems += [f"{module} reaches {name}, which reads slopes" for name in sorted(reached) if reads_slopes(name, sources)]
    return problems


def reads_slopes(module: str, sources: Sources) -> bool:
    """Return whether a module takes the derivative of a function from its row, rather than its value."""
    if module.startswith(f"{PACKAGE}.functions"):
        return False
    source = sources.get(module, "")
    columns = {node.attr for node in ast.walk(parsed(source)) if isinstance(node, ast.Attribute)}
    taken = [
        node for node, _, _ in import_statements(source) if isinstance(node, ast.ImportFrom) and "functions" in str(node.module)
    ]
    return bool(columns & SLOPE_COLUMNS) or any(alias.name == "partial" for node in taken for alias in node.names)


def slow_loads(sources: Sources) -> list[str]:
    """Return what is loaded with the module that has to start quickly, and with the packages around it, but must not be."""
    reached: dict[str, str] = {QUICK: ""}
    waiting = [QUICK]
    while waiting:
        module = waiting.pop()
        parts = module.split(".")
        names = {".".join(parts[:count]) for count in range(1, len(parts))}  # a module is loaded after the packages it is in
        names |= looked_through(module, sources) if module != f"{PACKAGE}.cli" else set()  # a command is loaded when asked for
        for node, hidden, typing in import_statements(sources.get(module, "")):
            names.update([] if hidden or typing else imported_names(module, node, sources))
        for name in sorted(names - reached.keys()):
            reached[name] = module
            waiting.append(name)
    slow = [name for name in reached if any(f"{name}.".startswith(f"{prefix}.") for prefix in SLOW_TO_LOAD)]
    return [f"{QUICK} loads {name}, through {reached[name]}" for name in sorted(slow)]


def unexplained_imports(sources: Sources) -> list[str]:
    """Return the imports inside functions without a reason in a comment on their line or the line above."""
    problems = []
    for module, source in sources.items():
        inside = [(name, line) for name, line, hidden in imports(module, sources) if hidden]
        notes = comments(source) if inside else {}
        for name, line in inside:
            note = f"{notes.get(line - 1, '')} {notes.get(line, '')}"
            reason = re.sub(r"noqa(: [A-Z0-9, ]+)?|type: ignore\S*", "", note)
            if len(reason.split()) < 3:
                problems.append(f"{module}:{line} imports {name} inside a function and does not say why")
    return problems


def undeclared_imports(sources: Sources, required: set[str], optional: set[str]) -> list[str]:
    """Return the imports of other packages that are no dependencies; an extra counts inside functions."""
    problems = []
    for module in sources:
        for name, line, hidden in imports(module, sources):
            top = name.split(".")[0]
            package = DISTRIBUTION.get(top, top)
            if top == PACKAGE or top in sys.stdlib_module_names or package in required:
                continue
            if top not in HOSTED.get(module, ()) and not (hidden and package in optional):
                problems.append(f"{module}:{line} imports {top}, which is not a dependency")
    return problems


def unused_dependencies(sources: Sources, required: set[str]) -> list[str]:
    """Return the required dependencies that no module imports."""
    used = {name.split(".")[0] for module in sources for name, _, _ in imports(module, sources)}
    return sorted(required - {DISTRIBUTION.get(name, name) for name in used})


def dangerous_uses(sources: Sources) -> Iterator[tuple[str, str, int]]:
    """Yield (module, name, line) where text could become code or mathematics."""
    for module, source in sources.items():
        for node in ast.walk(parsed(source)):
            if isinstance(node, ast.Call) and (name := dangerous_call(node)):
                yield module, name, node.lineno
            elif isinstance(node, ast.ImportFrom):
                renamed = {alias.name for alias in node.names if alias.asname and alias.asname != alias.name}
                for name in sorted(renamed & DANGEROUS):
                    yield module, name, node.lineno


def dangerous_call(call: ast.Call) -> str | None:
    """Return the name of what is called when it could read text as code or mathematics."""
    target = call.func
    if isinstance(target, ast.Attribute):
        name = target.attr if target.attr not in METHODS else ""
    else:
        name = target.id if isinstance(target, ast.Name) else ""
    if name == "S" and any(is_text(argument) for argument in call.args):
        return "S(text)"
    return name if name in DANGEROUS and not is_strict(call) else None


def is_text(node: ast.expr) -> bool:
    """Return whether an expression is a text, with or without fields."""
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def is_strict(call: ast.Call) -> bool:
    """Return whether a call says `strict=True`."""
    return any(
        keyword.arg == "strict" and isinstance(keyword.value, ast.Constant) and keyword.value.value is True
        for keyword in call.keywords
    )


def patched_classes(sources: Sources) -> list[str]:
    """Return where something is set on a class of the project outside its body."""
    classes = {node.name for source in sources.values() for node in ast.walk(parsed(source)) if isinstance(node, ast.ClassDef)}
    return [
        f"{module}:{line} {name}.{attribute} is set outside the class"
        for module, source in sources.items()
        for line, name, attribute in attributes_set(source)
        if name in classes and (module, f"{name}.{attribute}") not in ALLOWED_PATCHES
    ]


def attributes_set(source: str) -> Iterator[tuple[int, str, str]]:
    """Yield (line, name, attribute) of each `name.attribute = …` and `setattr(name, attribute, …)`."""
    for node in ast.walk(parsed(source)):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name):
            yield node.lineno, node.value.id, node.attr
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "setattr":
            yield node.lineno, ast.unparse(node.args[0]), ast.unparse(node.args[1])


def complexities(sources: Sources) -> dict[str, int]:
    """Return the cyclomatic complexity of every function and method, as radon counts (boolean operators too)."""
    return {
        f"{module}.{block.fullname}": block.complexity
        for module, source in sources.items()
        for block in ComplexityVisitor.from_ast(parsed(source)).blocks
        if block.letter in "FM"
    }


def declared_dependencies() -> tuple[set[str], set[str]]:
    """Return the names of the required and of the optional dependencies in pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [entry for entries in project["optional-dependencies"].values() for entry in entries]

    def names(entries: list[str]) -> set[str]:
        return {re.split(r"[\[<>=~! ;]", entry)[0].lower() for entry in entries}

    return names(project["dependencies"]), names(extras)


# ---- the project keeps them --------------------------------------------------------------------------------


def test_packages_import_only_from_earlier_ones() -> None:
    assert upward_imports(project_sources()) == []


def test_no_folder_is_crowded() -> None:
    assert crowded_folders(project_sources()) == []


#: Reached by tests alone; each has to be put to use or to go.
UNREACHED = {
    "formula.read": "match",
    "capturing": "explain",
}


def test_every_module_is_reached_from_an_entry_point() -> None:
    waiting = {f"{PACKAGE}.{room}.{name}" for room, names in UNREACHED.items() for name in names.split()}
    assert set(unreached_modules(project_sources())) <= waiting


def test_no_module_imports_in_a_circle() -> None:
    assert import_cycles(project_sources()) == []


def test_checking_is_independent_of_what_it_checks() -> None:
    assert dependent_checkers(project_sources()) == []


def test_a_handout_loads_nothing_it_does_not_need() -> None:
    assert slow_loads(project_sources()) == []


def test_imports_inside_functions_say_why() -> None:
    assert unexplained_imports(project_sources()) == []


def test_every_import_is_declared() -> None:
    required, optional = declared_dependencies()
    assert undeclared_imports(project_sources(), required, optional) == []


def test_what_another_program_loads_is_loaded_by_nothing_else() -> None:
    assert not {name for names in graph(project_sources()).values() for name in names} & set(HOSTED)


def test_every_dependency_is_used() -> None:
    required, _ = declared_dependencies()
    assert unused_dependencies(project_sources(), required) == []


def test_text_never_becomes_code_unless_listed() -> None:
    found = {(module, name) for module, name, _ in dangerous_uses(project_sources())}
    assert found - set(ALLOWED_CALLS) == set(), "unlisted use; if it is right, list it with its reason"
    assert set(ALLOWED_CALLS) - found == set(), "listed, but no longer there"


def test_no_class_is_changed_outside_its_body() -> None:
    assert patched_classes(project_sources()) == []
    set_there = {(module, f"{name}.{attribute}") for module, source in project_sources().items()
                 for _, name, attribute in attributes_set(source)}  # fmt: skip
    assert set(ALLOWED_PATCHES) <= set_there, "listed, but no longer there"


#: Functions in which more than 15 decisions are in their place, each with the reason.
MANY_DECISIONS: dict[str, str] = {}


def test_decisions_are_few_in_one_place() -> None:
    found = complexities(project_sources())
    assert {name for name, count in found.items() if count > 15} <= set(MANY_DECISIONS)
    assert sum(count > 10 for count in found.values()) <= 100


def class_homes(sources: Sources) -> dict[str, list[str]]:
    """Return where each public class is defined, by its name."""
    homes: dict[str, list[str]] = {}
    for module, source in sources.items():
        for node in parsed(source).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes.setdefault(node.name, []).append(module)
    return homes


def test_a_class_has_its_name_for_itself() -> None:
    assert {name: homes for name, homes in class_homes(project_sources()).items() if len(homes) > 1} == {}
    assert class_homes({"a": "class Plan: ...", "b": "class Plan: ...\nclass _Plan: ..."}) == {"Plan": ["a", "b"]}


def test_the_sources_are_found() -> None:
    """Guards all of the above: an empty walk would pass every rule."""
    expected = {"", ".errors", ".network", ".network.model", ".derive"}
    assert {PACKAGE + name for name in expected} | {QUICK, *INDEPENDENT} <= set(project_sources())


# ---- each rule catches an offender -------------------------------------------------------------------------

CLEAN = {
    "symbackprop": "from symbackprop.derive import derive\n",
    "symbackprop.errors": "",
    "symbackprop.network": "from symbackprop.network.model import Network\n",
    "symbackprop.network.model": "import numpy as np\nfrom symbackprop.errors import UserError\n",
    "symbackprop.derive": "from symbackprop.derive.sweep.sweep import derive\n",
    "symbackprop.derive.sweep.sweep": "from sympy import Sum\nfrom symbackprop.network import Network\n",
    "symbackprop.trace.run.trace": "import re\npattern = re.compile('a')\n",
    "symbackprop.trace.graph.graph": "from symbackprop.errors import UserError\n",
    "symbackprop.verify.equal.compare": "from symbackprop.derive import derive\nfrom symbackprop.trace.run import trace\n",
    "symbackprop.cli": "import sys\n",
    "symbackprop.cli.handout": "from symbackprop.derive import derive\n",
}


def problems(sources: Sources) -> list[str]:
    """Return what all rules find."""
    found = upward_imports(sources) + import_cycles(sources) + dependent_checkers(sources)
    found += slow_loads(sources) + unexplained_imports(sources) + crowded_folders(sources)
    found += undeclared_imports(sources, {"sympy", "numpy"}, {"typst"}) + patched_classes(sources)
    return found + [f"{module}:{line} {name}" for module, name, line in dangerous_uses(sources)]


def test_clean_sources_have_no_problems() -> None:
    assert problems(CLEAN) == []


NETWORK, SWEEP, TRACE = "symbackprop.network.model", "symbackprop.derive.sweep.sweep", "symbackprop.trace.run.trace"
LATE_REASON = "# needed only here, and not above"

PLANTED = {
    "upward": (NETWORK, "from symbackprop.derive.sweep.sweep import derive", "comes later"),
    "upward, relative": (NETWORK, "from ..derive import sweep", "comes later"),
    "upward, by the root": (NETWORK, "import symbackprop", "comes later"),
    "upward, inside": (NETWORK, f"def f():\n    {LATE_REASON}\n    import symbackprop.derive", "comes later"),
    "circle": (NETWORK, "from symbackprop.network import Network", " -> "),
    "circle, relative": (NETWORK, "from . import Network", " -> "),
    "upward, between sub-rooms": ("symbackprop.trace.graph.graph", "from symbackprop.trace.run import trace", "comes later"),
    "dependent checker": (TRACE, "from symbackprop.verify.equal import compare", "trace reaches"),
    "checker that reads slopes": (TRACE, "def f(row):\n    return row.slopes[0]", "which reads slopes"),
    "checker that takes partials": (TRACE, "from symbackprop.functions import partial", "which reads slopes"),
    "hidden": (SWEEP, "def f():\n    import sympy", "does not say why"),
    "hidden, only silenced": (SWEEP, "def f():\n    import sympy  # noqa: PLC0415, E402", "does not say why"),
    "hidden, hash in a text": (
        SWEEP,
        "def f():\n    x = '# a good reason'; import sympy",
        "does not say why",
    ),
    "slow": ("symbackprop.cli.handout", "from symbackprop.trace.run import trace", "loads symbackprop.trace.run.trace"),
    "slow, by a module on the way": ("symbackprop.errors", "import rich.progress", "loads rich.progress"),
    "slow, by the package around it": (
        "symbackprop",
        "from symbackprop.trace.run.trace import pattern",
        "loads symbackprop.trace",
    ),
    "undeclared": (SWEEP, "import torch", "torch, which is not a dependency"),
    "extra outside a function": (SWEEP, "import typst", "typst, which is not a dependency"),
    "eval": (SWEEP, "x = eval('1')", "eval"),
    "exec": (SWEEP, "exec('x = 1')", "exec"),
    "sympify": (SWEEP, "import sympy\nx = sympy.sympify('x')", "sympify"),
    "sympify, not strict": (SWEEP, "import sympy\nx = sympy.sympify('x', strict=False)", "sympify"),
    "sympify, renamed": (SWEEP, "from sympy import sympify as read\nx = read('x')", "sympify"),
    "parse_expr": (SWEEP, "from sympy import parse_expr\nx = parse_expr('x')", "parse_expr"),
    "patched class": (SWEEP, "class Sweep: ...\nSweep.run = len", "Sweep.run is set outside"),
    "patched class, by name": (
        SWEEP,
        "class Sweep: ...\nfor name in 'ab':\n    setattr(Sweep, name, len)",
        "Sweep.name is set",
    ),
    "patched class, in a function": (
        SWEEP,
        "class Sweep: ...\ndef attach():\n    Sweep.run: int = 1",
        "Sweep.run is set outside",
    ),
    "S of a text": (SWEEP, "import sympy\nx = sympy.S(f'{1}')", "S(text)"),
}


@pytest.mark.parametrize(("module", "line", "expected"), PLANTED.values(), ids=PLANTED)
def test_a_planted_offender_is_caught(module: str, line: str, expected: str) -> None:
    found = problems({**CLEAN, module: f"{CLEAN[module]}{line}\n"})
    assert any(expected in problem for problem in found), found


def test_a_crowded_folder_is_caught() -> None:
    many = {f"symbackprop.derive.sweep.m{number}": "" for number in range(MOST_MODULES)}
    assert crowded_folders({**CLEAN, **many}) == ["symbackprop.derive.sweep: 16 modules, at most 15"]


def test_an_unreached_module_is_caught() -> None:
    reached = {"symbackprop.network.extra": "", "symbackprop": f"{CLEAN['symbackprop']}LATER = 'symbackprop.network.extra'\n"}
    before = unreached_modules(CLEAN)
    assert unreached_modules({**CLEAN, **reached}) == before
    assert unreached_modules({**CLEAN, "symbackprop.network.extra": ""}) == sorted([*before, "symbackprop.network.extra"])


def test_many_decisions_are_counted() -> None:
    source = "def f(x):\n" + "".join(f"    if x == {n} and x: return {n}\n" for n in range(8)) + "    return [y for y in x]\n"
    assert complexities({"m": source}) == {"m.f": 18}


def test_a_package_outside_the_pipeline_is_caught() -> None:
    with pytest.raises(AssertionError, match="not in the pipeline"):
        upward_imports({**CLEAN, "symbackprop.misc": "import symbackprop.errors\n"})


def test_explained_import_of_an_extra_is_accepted() -> None:
    line = "def f():\n    import typst  # optional extra: only the PDF needs it\n"
    assert problems({**CLEAN, SWEEP: CLEAN[SWEEP] + line}) == []


@pytest.mark.parametrize(
    "line",
    [
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from symbackprop.trace.run import trace\n",
        f"def f():\n    {LATE_REASON}\n    import symbackprop.trace.run.trace\n",
    ],
)
def test_what_is_loaded_later_or_only_for_types_is_not_slow(line: str) -> None:
    assert problems({**CLEAN, "symbackprop.cli.handout": f"{CLEAN['symbackprop.cli.handout']}{line}"}) == []


def test_strict_sympify_is_accepted() -> None:
    line = "import sympy\nx = sympy.sympify(1, strict=True)\n"
    assert problems({**CLEAN, SWEEP: CLEAN[SWEEP] + line}) == []


def test_an_unused_dependency_is_caught() -> None:
    assert unused_dependencies(CLEAN, {"sympy", "numpy", "lark"}) == ["lark"]
