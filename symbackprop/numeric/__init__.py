"""The same derivation as numbers: readable numpy source, evaluation, training."""

from symbackprop.numeric.function import GradientFunction, compile_source, evaluate, function
from symbackprop.numeric.history import History, TrainingDiverged
from symbackprop.numeric.source import source
from symbackprop.numeric.train import train

__all__ = ["GradientFunction", "History", "TrainingDiverged", "compile_source", "evaluate", "function", "source", "train"]
