"""Load what the user named on the command line: a network (folder or .py file), a function or value in a .py file, samples.

The user's own Python file is run because the user named it; nothing else is.
"""

from __future__ import annotations

import ast
import contextlib
import csv
import importlib
import importlib.util
import inspect
import io
import math
import re
import sys
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from symbackprop.errors import SymbackpropError, UserError, listed, nearest
from symbackprop.files import decoded
from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.notation.notations import notation_called
from symbackprop.guest.imports import DefinitionLoader, TextLoader, dotted_name, importing
from symbackprop.guest.visit import described, one_line, visit
from symbackprop.network import Network
from symbackprop.network.wording import LocalizedText
from symbackprop.network_file import loss_of, network_of, no_loss
from symbackprop.own_files import has_own_loss, is_own_code, refuse_notebook

if TYPE_CHECKING:
    from symbackprop.verify.passes.comparison import Comparison


@dataclass(frozen=True, slots=True)
class Loaded:
    """A network file: the network, the name of its loss, and the module it came from."""

    name: str
    path: Path
    network: Network
    loss: str
    module: ModuleType

    @property
    def notation(self) -> Notation | None:
        """The file's own notation."""
        return own_notation(self.module)

    @property
    def handwritten(self) -> Path:
        """Where the handwritten code of a derivation folder lies."""
        return self.path.parent / "handwritten.py"


def own_notation(module: ModuleType) -> Notation | None:
    """Return a file's variable `notation`, a `Notation` or the title of a ready one; None where it has none."""
    found = getattr(module, "notation", None)
    if isinstance(found, str):
        return notation_called(found)
    return found if isinstance(found, Notation) else None


def load_network(place: str, loss: str | None = None, shapes: str | None = None) -> Loaded:
    """Load a folder with `network.py`, a .py file that defines `network` and `loss`, or FILE:function, a numpy forward pass.

    One network under another name is meant as well, and so is the only scalar of it that nothing else is made of. Of a file
    without a network its function `loss` is meant, or the loss that the passes of its class stand for.

    A forward pass is captured at the file's `example`, or at random numbers of `shapes`; the file's `wrt` names its parameters.
    Raises UserError when there is none, when it fails to run, or when a name is missing.
    """
    if not place.strip():
        raise UserError("expected the name of a network, a folder or a .py file; got an empty one")
    code, function = split_place(place)
    if code.endswith(".py"):
        return _captured(place, Path(code), function, shapes)
    path = Path(place)
    file = _network_file(place)
    module = _network_module(file)
    network = network_of(module)
    if network is None and is_own_code(str(file)):
        return _of_own_code(file, module, shapes)
    if not isinstance(network, Network):
        raise UserError(_no_network(file, module, network))
    if shapes is not None:
        raise UserError(f"--shapes gives arguments to a forward pass, FILE:function; {place} is a network")
    chosen = loss if loss is not None else loss_of(module, network)
    if chosen is None:
        raise UserError(no_loss(file, network))
    return Loaded(path.name if path.is_dir() else path.stem, file, network, network.node(chosen).name, module)


def _of_own_code(file: Path, module: ModuleType, shapes: str | None) -> Loaded:
    """Capture the function `loss` of a plain file, or what the passes of its class stand for."""
    if isinstance(getattr(module, "loss", None), FunctionType):
        return _captured(f"{file}:loss", file, "loss", shapes)
    return _of_passes(str(file), shapes, _no_network(file, module, None))


def _network_module(file: Path) -> ModuleType:
    return load_code(file) if has_own_loss(file) else load_module(file)


def _network_file(place: str) -> Path:
    """Return the file of a network that is named by its folder or its file."""
    path = Path(place)
    refuse_notebook(place)
    file = path / "network.py" if path.is_dir() else path
    if not file.exists():
        what = "no network.py in this folder" if path.is_dir() else "no such network"
        near = "" if path.is_dir() else _near(path)
        raise UserError(f"{place}: {what}; expected a folder with network.py, or a .py file{near}")
    return file


def _no_network(file: Path, module: ModuleType, network: Any) -> str:
    """Say that a file has no network, and which of its functions may be meant."""
    functions = [key for key, value in vars(module).items() if isinstance(value, FunctionType) and _own(key, value, module)]
    likely = [name for name in functions if _LOSS.search(name)] or functions
    got = "there is none" if network is None else f"got {type(network).__name__}"
    said = f"; for a loss written with numpy name the function: {file}:{likely[0]}" if likely else _without_functions(module)
    return f"{file}: expected a variable `network` of type Network, {got}{said}"


def _without_functions(module: ModuleType) -> str:
    """Say what a file without network and functions may be made into: one of classes, or a script that calculates at once."""
    if any(isinstance(value, type) and _own(key, value, module) for key, value in vars(module).items()):
        return f"; {_AS_FUNCTION}"
    arrays = [key for key, value in vars(module).items() if isinstance(value, np.ndarray) and not key.startswith("_")]
    return f"; {_AS_FUNCTION}; it calculates outside of functions" if arrays else ""


_AS_FUNCTION = "write what leads from data and weights to the loss as a function, `def loss(…)`"


_LOSS = re.compile(r"loss|cost|objective|mse|error|entropy|nll", re.IGNORECASE)


def _captured(place: str, file: Path, name: str, shapes: str | None) -> Loaded:
    # A network that is written as one does not wait for what runs somebody's code.
    from symbackprop.capturing.capture import capture

    place, shapes = _with_object(place, file, name, shapes)
    function = load_function(place, loaded=load_code)
    if isinstance(function, type):
        return _of_passes(place, shapes, f"{place} is a class without a forward and a backward pass; {_AS_FUNCTION}")
    module = sys.modules[function.__module__] if function.__module__ in sys.modules else load_module(file)
    captured = capture(function, example_for(place, function, module, shapes, loss=True), getattr(module, "wrt", None))
    return Loaded(name, file, captured.network, str(captured.loss), module)


def _of_passes(place: str, shapes: str | None, otherwise: str) -> Loaded:
    """Capture the loss that a forward and a backward pass stand for: Σ forward·dout, or the one that is stated or inferred.

    What was taken for the loss, and how, is said on stderr. Raises UserError, with `otherwise` where no passes are found.
    """
    # A network that is written as one does not wait for what runs somebody's code.
    from symbackprop.capturing.capture import capture
    from symbackprop.verify.passes.candidates import candidates  # nor for this
    from symbackprop.verify.passes.conventions import conventional  # nor for this

    file, name = file_and_name(place)
    module = load_definitions(file)
    known = candidates(module)
    try:
        found = passes_in(place, shapes)
    except UserError:
        if any(isinstance(candidate.owner, type) for candidate in known):
            raise
        raise UserError(otherwise) from None
    found = conventional(found) or found
    captured = capture(found.loss, found.example, found.wrt)
    captured.network.title = LocalizedText.of(name or known[0].name)
    for remark in (f"taken: {captured.loss} = {found.titles[1]}", *found.remarks):
        sys.stderr.write(f"{place}: {remark}\n")
    return Loaded(str(captured.network.title), file, captured.network, str(captured.loss), module)


def passes_in(place: str, shapes: str | None) -> Comparison:
    """Return the forward and backward pass of `FILE` or `FILE:name`, in a file without such functions a turn of its loop.

    A function of one argument and its derivative, `sigmoid`, are no passes where the file trains something in a loop.
    """
    # A network that is written as one does not wait for what runs somebody's code.
    from symbackprop.verify.passes.candidates import chosen, compared, only_helpers

    file, name = file_and_name(place)
    module = load_definitions(file)
    given = read_shapes(shapes) if shapes else getattr(module, "example", None)
    known = given if isinstance(given, dict) else {}
    if name:
        return _called(module, str(file), name, known)
    helpers = only_helpers(module)
    found = _turn_in(module, known, fixed=not helpers)
    if found is not None:
        return found
    try:
        return compared(chosen(module, str(file), name), known)
    except UserError:
        found = _turn_in(module, known) if not helpers else None  # else every loop has been tried
        if found is None:
            raise
        return found


def _called(module: ModuleType, file: str, name: str, given: Mapping[str, Any]) -> Comparison:
    """Return the passes of a name, or one turn of the training loop in a class of this name."""
    from symbackprop.verify.passes.candidates import chosen, compared  # what is loaded does not wait for this

    try:
        return compared(chosen(module, file, name), given)
    except UserError:
        found = _turn_in(module, given, owner=name)
        if found is None:
            raise
        return found


def _turn_in(module: ModuleType, given: Mapping[str, Any], *, fixed: bool = False, owner: str = "") -> Comparison | None:
    """Return one turn of a file's training loop as two passes, if there is one in which gradients are found.

    With `fixed` only of a loop in a method that turns as often as is written there: called as it is, it trains. With an `owner`
    only of one in a method of this class.
    """
    from symbackprop.verify.passes.candidates import compared  # nor does what is loaded wait for this
    from symbackprop.verify.turns.turn import turns  # nor for this

    for turn in turns(module, fixed=fixed, owner=owner):
        try:
            found = compared(turn.candidate, {**turn.example, **given})
        except UserError:  # a loop of which no gradient is that of a loss: nobody is accused of it
            continue
        return replace(found, remarks=(turn.remark, *found.remarks))
    return None


def file_and_name(place: str) -> tuple[Path, str]:
    """Return the file and the name of `FILE:name`; the name is empty where there is none."""
    file, _, name = place.rpartition(":")
    return (Path(file), name) if file.endswith(".py") else (Path(place), "")


def _with_object(place: str, file: Path, name: str, shapes: str | None) -> tuple[str, str | None]:
    """Return a place whose class is given the arguments that it is made with, `FILE:Net(sizes=[3, 5, 2]).loss`, and shapes.

    Where nothing says them, some with which the method runs are looked for, and said on stderr.
    """
    owner, _, method = name.rpartition(".")
    if not owner.isidentifier():
        return place, shapes
    module = load_code(file)
    kind = getattr(module, owner, None)
    if not isinstance(kind, type) or not callable(getattr(kind, method, None)) or not _wanted(kind):
        return place, shapes
    from symbackprop.verify.passes.samples import made_that_runs  # only code that comes without an example waits for it

    found = made_that_runs(kind, method, read_shapes, scalar=True)
    if found is None:
        return place, shapes
    made = ", ".join(f"{key}={value!r}" for key, value in found.made.items())
    place = f"{file}:{owner}({made}).{method}"
    if shapes is None and getattr(module, "example", None) is None:
        shapes = found.shapes
    sys.stderr.write(f'taken: "{place}"{f" --shapes {chr(34)}{shapes}{chr(34)}" if shapes else ""}\n')
    return place, shapes


def _wanted(kind: type) -> bool:
    """Whether a class needs arguments to make an object of it."""
    try:
        return any(_is_needed(parameter) for parameter in inspect.signature(kind).parameters.values())
    except (TypeError, ValueError):
        return False


def example_for(
    place: str, function: Callable[..., Any], module: ModuleType, shapes: str | None, *, loss: bool = False
) -> dict[str, Any]:
    """Return arguments for a function: random numbers of the given shapes, or what the file's `example` has for it.

    Where there is neither, shapes with which it runs are looked for, and said on stderr; a `loss` has to return a number.
    """
    if shapes is not None:
        return _complete(place, function, read_shapes(shapes), "--shapes")
    example = getattr(module, "example", None)
    if example is not None and not isinstance(example, dict):
        raise UserError(f"{place}: `example` should be a dictionary of arguments by name, it is of type {type(example).__name__}")
    parameters = inspect.signature(function).parameters
    if example is None:
        return (_of_its_call(place, function, module) or _of_our_own(place, function, loss=loss)) if parameters else {}
    if _takes_all(parameters):
        return dict(example)
    return _complete(place, function, {key: value for key, value in example.items() if key in parameters}, "`example`")


SOON = 5000
"""Lines of a file that are run up to a call of its own; a whole training is not waited for."""


def _of_its_call(place: str, function: Callable[..., Any], module: ModuleType) -> dict[str, Any]:
    """Return the arguments with which a file itself calls a function, which is said on stderr; none where it does not."""
    from symbackprop.verify.passes.inventing.own_calls import own_arguments  # only code without an example waits for it

    name = getattr(function, "__name__", "")
    if vars(module).get(name) is not function:
        return {}
    parameters = inspect.signature(function).parameters
    found = own_arguments(module, [name], list(parameters), lines=SOON)
    if any(_is_needed(parameter) and key not in found for key, parameter in parameters.items()):
        return {}
    sys.stderr.write(f"{place}: no `example` in the file; taken: what it calls {name} with\n")
    return found


def _of_our_own(place: str, function: Callable[..., Any], *, loss: bool) -> dict[str, Any]:
    """Return random numbers with which a function runs; what was taken is said as it can be typed."""
    from symbackprop.verify.passes.samples import shapes_that_run  # only code that comes without an example waits for it

    shapes = shapes_that_run(function, read_shapes, scalar=loss)
    if not shapes:
        message = f'{place}: expected a dictionary `example` in the file with its arguments, or --shapes "X:5,3 W:3,4"'
        raise UserError(message + _after_forward(function))
    sys.stderr.write(f'{place}: no `example` in the file; taken: --shapes "{shapes}"\n')
    return read_shapes(shapes)


def _after_forward(function: Callable[..., Any]) -> str:
    """Say how a method is named that runs only after another one of its object."""
    owner = type(getattr(function, "__self__", function))
    if not isinstance(owner.__dict__.get(function.__name__), FunctionType):
        return ""
    return (
        f"; where it needs another pass before it, write `net = {owner.__name__}()` and that call in the file, "
        f"and name net.{function.__name__}"
    )


def _is_needed(parameter: inspect.Parameter) -> bool:
    named = parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
    return named and parameter.default is parameter.empty


def _takes_all(parameters: Mapping[str, inspect.Parameter]) -> bool:
    """Whether a function takes arguments of any name."""
    return any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())


def _complete(place: str, function: Callable[..., Any], given: dict[str, Any], where: str) -> dict[str, Any]:
    """Return arguments that a function can be called with. Raises UserError naming the first that lacks, or that is none."""
    parameters = inspect.signature(function).parameters
    lacking = [name for name, parameter in parameters.items() if _is_needed(parameter) and name not in given]
    if lacking:
        raise UserError(f"{place}: {where} has no value for the argument {lacking[0]}; it has {', '.join(given) or 'none'}")
    unknown = [] if _takes_all(parameters) else [name for name in given if name not in parameters]
    if unknown:
        near = nearest(unknown[0], parameters)
        raise UserError(f"{place}: {where} has {unknown[0]}, no argument; arguments: {', '.join(parameters)}.{near}")
    return given


def read_shapes(text: str) -> dict[str, Any]:
    """Return random numbers of shapes such as `X:5,3 b:4 rate: y:5<3`; `<3` are labels below 3, no shape is a number.

    A name with dots is inside of a dictionary, `params.W1:3,4`, or a list, `W.0:3,4 W.1:4,2`.
    """
    rng = np.random.default_rng(0)
    found: dict[str, Any] = {}
    paths: dict[str, Any] = {}
    for word in text.split():
        match = _SHAPE.fullmatch(word)
        if match is None:
            raise UserError(f"--shapes: expected name:sizes such as X:5,3, or y:5<3 for labels below 3; got {word!r}")
        name, sizes, classes = match.groups()
        if name in paths:
            raise UserError(f"--shapes: {name} stands twice; give each argument once")
        extents = _extents(word, sizes)
        drawn = np.asarray(rng.integers(0, int(classes), extents) if classes else np.round(rng.normal(size=extents), 3))
        paths[name] = drawn if extents else drawn.item()
    for path, value in paths.items():
        *above, last = path.split(".")
        inside = found
        for part in above:
            inside = inside.setdefault(part, {})
            if not isinstance(inside, dict):
                raise UserError(f"--shapes: {path}: {part} is an array already")
        inside[last] = value
    return {name: _as_lists(value) for name, value in found.items()}


def _as_lists(value: Any) -> Any:
    """Return dictionaries whose keys are 0, 1, 2 … as lists."""
    if not isinstance(value, dict):
        return value
    inside = {key: _as_lists(member) for key, member in value.items()}
    return [*inside.values()] if [*inside] == [str(k) for k in range(len(inside))] else inside


def _extents(word: str, sizes: str | None) -> tuple[int, ...]:
    extents = tuple(int(size) for size in sizes.split(",")) if sizes else ()
    if not 0 < math.prod(extents) <= MOST_DRAWN:
        raise UserError(f"--shapes: {word}: expected 1 to {MOST_DRAWN:,} numbers, got {math.prod(extents):,}")
    return extents


MOST_DRAWN = 10_000_000
_SHAPE = re.compile(r"([^\W\d]\w*(?:\.\w+)*):(\d+(?:,\d+)*)?(?:<([1-9]\d*))?")


def load_definitions(file: Path) -> ModuleType:
    """Run the definitions of a Python file inside its package; what it imports and is not installed is replaced by a stand-in.

    What is replaced is said on stderr. Raises UserError with the line when it fails.
    """
    folder, name = dotted_name(file)
    with importing(file, stand_ins=True) as missing:
        sys.path.insert(0, str(folder))
        try:
            if "." in name:
                with contextlib.suppress(Exception):  # a package that does not load as a whole may hold a file that does
                    importlib.import_module(name.rpartition(".")[0])
            module = _run(file, name if "." in name else f"_loaded_{file.resolve().parent.name}_{file.stem}", DefinitionLoader)
        finally:
            sys.path.remove(str(folder))
    absent = sorted({name.partition(".")[0] for name in missing.names})
    if absent:
        invented = f"; invented in its place: {', '.join(missing.invented)}" if missing.invented else ""
        sys.stderr.write(f"{file}: not installed, and left out: {', '.join(absent)}{invented}\n")
    return module


def load_module(file: Path) -> ModuleType:
    """Run a Python file as a module of its own. Raises UserError with the line when it fails."""
    with importing(file, stand_ins=False):
        return _run(file, f"_loaded_{file.resolve().parent.name}_{file.stem}", TextLoader)


def _run(file: Path, name: str, loader: type[TextLoader]) -> ModuleType:
    _check_is_python(file)
    spec = importlib.util.spec_from_file_location(name, file, loader=loader(name, str(file)))
    if spec is None or spec.loader is None:
        raise UserError(f"{file}: cannot be loaded as Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except SymbackpropError as error:
        raise UserError(f"{file}:{_line(error, file)}: {error}") from error
    except SyntaxError as error:
        line = f":{error.lineno}" if error.lineno else ""  # not known of a file with null bytes, or of no text at all
        raise UserError(f"{file}{line}: not valid Python: {error.msg}") from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # `sys.exit()` at the top of a file, too
        raise UserError(f"{file}:{_line(error, file)}: {described(error)}") from error
    return module


def _check_is_python(file: Path) -> None:
    refuse_notebook(str(file))
    if file.suffix == ".py" and not file.exists():
        raise UserError(f"{file}: no such file{_near(file)}")
    if file.suffix != ".py" or not file.is_file():
        raise UserError(f"{file}: expected a Python file (.py)")


def load_code(file: Path) -> ModuleType:
    """Run a Python file; of one that fails half-way (it opens data, it plots) or is Python 2 only the definitions.

    That is said on stderr.
    """
    try:
        return load_module(file)
    except UserError as error:
        if error.__cause__ is None or isinstance(error.__cause__, SymbackpropError):
            raise
        try:
            module = load_definitions(file)
        except UserError:
            raise error from None
        message = f"{error}; only the definitions of the file are taken\n"
        if message not in _ALREADY_SAID:
            sys.stderr.write(message)
        _ALREADY_SAID.add(message)
        return module


_ALREADY_SAID: set[str] = set()


def load_function(
    place: str, default: str | None = None, loaded: Callable[[Path], ModuleType] = load_module
) -> Callable[..., Any]:
    """Load `FILE:function` (or FILE with a default function name), with `loaded`."""
    text, name = split_place(place if ":" in place or not default else f"{place}:{default}")
    if not name or not text:
        raise UserError(f"{place}: expected FILE:function")
    module = loaded(Path(text))
    owner, _, method = name.rpartition(".")  # a point in the arguments stands before that of the method
    found = getattr(_instance(text, module, owner), method, None)
    if not callable(found) or isinstance(found, ModuleType):
        raise UserError(f"{text}: no function {name}{_instead(text, name, module)}")
    return found  # type: ignore[no-any-return]


def _instead(text: str, name: str, module: ModuleType) -> str:
    """Say what a file has, that lacks a function."""
    if isinstance(network_of(module), Network):
        return f": the file is a network, which is named without a function: {text}"
    functions = [key for key, value in vars(module).items() if callable(value) and _own(key, value, module)]
    return f"; defined there: {listed(functions)}.{nearest(name, functions)}"


def _own(key: str, value: Any, module: ModuleType) -> bool:
    """Whether a name of a module was made there, not imported."""
    return not key.startswith("_") and getattr(value, "__module__", module.__name__) == module.__name__


def _instance(file: str, module: ModuleType, name: str) -> Any:
    """Return the object that `FILE:object.method` speaks of, without one the module; of a class, one made with its arguments."""
    name, made = _call_of(file, name)
    found = getattr(module, name, None) if name else module
    if not isinstance(found, type):
        return found
    try:
        return visit(lambda: found(*made.args, **made.kwargs), habits=None).returned
    except TypeError as error:
        raise UserError(f'{file}: {name}() fails: {error}; give its arguments, "{file}:{name}(…).METHOD"') from None


@dataclass(frozen=True, slots=True)
class _Made:
    """What an object is made with: numbers, texts, lists and dictionaries of them."""

    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)


def _call_of(file: str, text: str) -> tuple[str, _Made]:
    """Return the class and the arguments of `Net([3, 5, 2], rate=0.1)`, which are read as plain values, never run."""
    name, opening, _ = text.partition("(")
    if not opening:
        return text, _Made()
    try:
        call = ast.parse(text, mode="eval").body
        if not isinstance(call, ast.Call) or any(keyword.arg is None for keyword in call.keywords):
            raise ValueError(text)
        values = tuple(ast.literal_eval(node) for node in call.args)
        return name, _Made(values, {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords})
    except (ValueError, SyntaxError):
        raise UserError(
            f"{file}: {text}: expected numbers, texts or lists as arguments, such as {name}([3, 5, 2], 0.1)"
        ) from None


def split_place(place: str) -> tuple[str, str]:
    """Return file and name of `FILE:name`; in the arguments of `FILE:Net({"a": 1}).loss` a colon may stand."""
    if ".py:" in place:
        file, _, name = place.partition(".py:")
        return f"{file}.py", name
    file, _, name = place.rpartition(":")
    return file, name


def load_value(place: str) -> Any:
    """Load `FILE:name`, a value defined in a Python file. Raises UserError when it is not there."""
    text, _, name = place.rpartition(":")
    module = load_code(Path(text))
    if not hasattr(module, name):
        names = [key for key, value in vars(module).items() if _own(key, value, module) and not isinstance(value, ModuleType)]
        how = (
            " Write `example = {…}` with a value for each argument, or name another with --example." if name == "example" else ""
        )
        raise UserError(f"{text}: no variable {name}; defined there: {listed(names)}.{nearest(name, names)}{how}")
    return getattr(module, name)


def read_samples(path: Path) -> dict[str, Any]:
    """Read samples from a .csv with a header of names, or a .npz with one array per name.

    Raises UserError naming the file and line.
    """
    if not path.is_file():
        raise UserError(f"{path}: {'a folder; expected .csv or .npz' if path.is_dir() else f'no such file{_near(path)}'}")
    if path.suffix == ".npz":
        return _arrays(path)
    if path.suffix != ".csv":
        raise UserError(f"{path}: expected .csv or .npz, got {path.suffix or 'no ending'}")
    return _columns(path)


def read_roster(path: Path) -> tuple[tuple[str, str], ...]:
    """Return the (name, class) of each line of a .csv whose header has `name` and may have `class`, or 姓名 and 班级.

    Raises UserError naming the file and line.
    """
    if not path.is_file():
        raise UserError(f"{path}: {'a folder; expected .csv' if path.is_dir() else f'no such file{_near(path)}'}")
    try:
        rows = list(csv.DictReader(io.StringIO(decoded(path.read_bytes()), newline=""), skipinitialspace=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: expected text in UTF-8, separated by commas: {one_line(error)}") from None
    found = []
    for number, row in enumerate(rows, start=2):
        name, group = ((row.get(usual) or row.get(chinese) or "").strip() for usual, chinese in _HEADER)
        if not name:
            raise UserError(f"{path}:{number}: expected a name in the column `name`; the header has {', '.join(map(str, row))}")
        found.append((name, group))
    if not found:
        raise UserError(f"{path}: expected a header with `name` (and `class`), and a line for each")
    return tuple(found)


_HEADER = (("name", "姓名"), ("class", "班级"))


def _arrays(path: Path) -> dict[str, Any]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, zipfile.BadZipFile, AttributeError) as error:
        raise UserError(f"{path}: expected arrays of numbers by name, as np.savez writes them") from error


def _columns(path: Path) -> dict[str, Any]:
    try:
        rows = list(csv.reader(io.StringIO(decoded(path.read_bytes()), newline="")))
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: expected text in UTF-8, separated by commas: {one_line(error)}") from None
    if len(rows) < 2:
        raise UserError(f"{path}: expected a header line of names and at least one line of numbers")
    header = [name.strip() for name in rows[0]]
    columns: dict[str, list[float]] = {name: [] for name in header}
    if len(columns) < len(header):
        raise UserError(f"{path}:1: the name {max(header, key=header.count)} stands over two columns")
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(header):
            raise UserError(f"{path}:{number}: expected {len(header)} numbers, got {len(row)}")
        for name, cell in zip(header, row, strict=True):
            columns[name].append(_finite(cell, name, f"{path}:{number}"))
    return {name: np.array(values) for name, values in columns.items()}


def _finite(cell: str, name: str, place: str) -> float:
    """Return the number of a cell. Raises UserError for what is none, or no finite one."""
    try:
        number = float(cell)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise UserError(f"{place}: expected a number for {name}, got {cell!r}")
    return number


def _line(error: BaseException, file: Path) -> int:
    line = 0
    traceback = error.__traceback__
    while traceback is not None:
        if Path(traceback.tb_frame.f_code.co_filename).resolve() == file.resolve():
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return line


def _near(path: Path) -> str:
    parent = path.parent
    entries = parent.iterdir() if parent.is_dir() else ()
    fitting = [e.name for e in entries if e.suffix == path.suffix or e.suffix == ".py" or (e / "network.py").is_file()]
    found = nearest(path.name, [name for name in fitting if name != path.name])  # itself is a link to nothing
    return f".{found}" if found else ""
