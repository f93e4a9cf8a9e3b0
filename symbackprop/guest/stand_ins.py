"""What stands in the place of a module that is not installed: it gives nothing, but for functions whose name says all.

A data set is invented in the shape that it has; `sigmoid` is the function of that name wherever it is imported from.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np


class Nothing:
    """What a missing module gives: anything, and nothing of it; functions that are known by their name are invented."""

    def __init__(self, taken: list[str] | None = None) -> None:
        self.__dict__["_taken"] = taken

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return known(name, self._taken) or self

    def __setattr__(self, name: str, value: Any) -> None:
        """Nothing keeps nothing."""

    def __setitem__(self, key: Any, value: Any) -> None:
        """Nothing keeps nothing: `rcParams["figure.figsize"] = (10, 8)`."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return (
            args[0] if args and isinstance(args[0], types.FunctionType | type) else self
        )  # a decorator leaves what it decorates

    def __getitem__(self, key: Any) -> Nothing:
        return self

    def __iter__(self) -> Iterator[Any]:
        raise TypeError("what is not installed cannot be gone through")  # a loop that runs no time would prove anything

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        return (object,)


class StandIn(types.ModuleType):
    """A module that is not installed."""

    __path__: Any = ()
    __all__: Sequence[str] = ()

    def __init__(self, name: str, taken: list[str] | None = None) -> None:
        super().__init__(name)
        self.__dict__["_taken"] = taken

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        if name in _LOOPS and self.__name__.partition(".")[0] in ("tqdm", "numba"):
            return _LOOPS[name]
        return known(name, self.__dict__["_taken"]) or Nothing(self.__dict__["_taken"])


def known(name: str, taken: list[str] | None) -> Any:
    """Return what a name means wherever it is imported from, and note it as `taken`; None for what is not known."""
    found = _FUNCTIONS.get(name) or _DATA.get(name)
    if found is not None and taken is not None and name not in taken:
        taken.append(name)
    return found


def _same(iterable: Any, *args: Any, **kwargs: Any) -> Any:
    return iterable


def _counted(*bounds: int, **kwargs: Any) -> range:
    return range(*bounds)


_LOOPS = {"tqdm": _same, "trange": _counted, "prange": _counted}
"""What loops go through, with a bar that shows how far they are, or with many at once."""


# ---- functions ---------------------------------------------------------------------------------------------------------


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def _relu(x: Any) -> Any:
    return np.maximum(0, x)


_FUNCTIONS: Mapping[str, Callable[..., Any]] = {"sigmoid": _sigmoid, "expit": _sigmoid, "relu": _relu}


# ---- data --------------------------------------------------------------------------------------------------------------


class Bunch(dict[str, Any]):
    """Data with their targets, by key or as attributes."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


def _drawn(samples: int, features: int, classes: int) -> tuple[Any, Any]:
    """Return samples of as many features, and the class of each, or a number where there are no classes."""
    rng = np.random.default_rng(0)
    X = np.round(rng.normal(size=(samples, features)), 3)
    return X, rng.integers(0, classes, samples) if classes else np.round(rng.normal(size=samples), 3)


def _maker(features: int, classes: int) -> Callable[..., Any]:
    """Return what makes data as `make_moons(200, noise=0.2)` does."""

    def make(n_samples: Any = 100, **options: Any) -> Any:
        count = n_samples if isinstance(n_samples, int) else 100
        of_centers = options.get("centers", classes)
        kinds = options.get("n_classes", of_centers if isinstance(of_centers, int) else classes)
        return _drawn(count, options.get("n_features", features), kinds)

    return make


def _loader(samples: int, features: int, classes: int) -> Callable[..., Any]:
    """Return what loads a set of data as `load_iris()` does."""

    def load(*, return_X_y: bool = False, **options: Any) -> Any:
        X, y = _drawn(samples, features, classes)
        names = {"target_names": [str(k) for k in range(classes)], "feature_names": [str(k) for k in range(features)]}
        return (X, y) if return_X_y else Bunch(data=X, target=y, **names)

    return load


def _pictures(*args: Any, **kwargs: Any) -> Any:
    """Return a few pictures of digits, for training and for the test."""
    rng = np.random.default_rng(0)
    return tuple((rng.integers(0, 256, (count, 28, 28)).astype("uint8"), rng.integers(0, 10, count)) for count in (20, 10))


def _split(*arrays: Any, test_size: float = 0.25, **options: Any) -> list[Any]:
    """Return each array in two parts."""
    count = len(arrays[0])
    first = count - (test_size if isinstance(test_size, int) else round(test_size * count))
    return [part for array in arrays for part in (array[:first], array[first:])]


def _one_hot(labels: Any, num_classes: int | None = None, **options: Any) -> Any:
    labels = np.asarray(labels).astype(int).reshape(-1)
    return np.eye(num_classes or int(labels.max()) + 1)[labels]


_DATA: Mapping[str, Callable[..., Any]] = {
    "make_moons": _maker(2, 2),
    "make_circles": _maker(2, 2),
    "make_blobs": _maker(2, 3),
    "make_classification": _maker(20, 2),
    "make_gaussian_quantiles": _maker(2, 3),
    "make_regression": _maker(100, 0),
    "load_iris": _loader(150, 4, 3),
    "load_digits": _loader(1797, 64, 10),
    "load_breast_cancer": _loader(569, 30, 2),
    "load_wine": _loader(178, 13, 3),
    "load_diabetes": _loader(442, 10, 0),
    "load_data": _pictures,
    "train_test_split": _split,
    "to_categorical": _one_hot,
}
"""What gives data by these names, in the shapes that they have."""
