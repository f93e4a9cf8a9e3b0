"""A line plot as SVG text: axes with round ticks, grid, labels; no dependency."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

_LEFT, _RIGHT, _TOP, _BOTTOM = 78, 18, 40, 50
_INK, _GRID, _LINE = "#333333", "#e2e2e2", "#1f5fa8"


@dataclass(frozen=True, slots=True)
class _Axis:
    """One axis: where a value lies on the page, and its ticks with their labels."""

    place: Callable[[float], float]
    ticks: tuple[tuple[float, str], ...]


def line_plot_svg(values: Sequence[float], title: str, x_label: str, y_label: str, width: int = 640, height: int = 360) -> str:
    """Return an SVG plot of `values` over 0, 1, 2, …

    The vertical scale is logarithmic when all finite values are positive, or zero at places (drawn on the bottom line), and
    they span more than a factor of ten; otherwise linear. Values that are not finite are left out and leave a gap.
    """
    x = _linear_axis(0, max(len(values) - 1, 1), _LEFT, width - _RIGHT, whole=True)
    logarithmic = _suits_log(values)
    y = (_log_axis if logarithmic else _padded_axis)(values, height - _BOTTOM, _TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="Helvetica, Arial, sans-serif" font-size="12" fill="{_INK}">',
        f"<title>{escape(title, quote=False)}</title>",
        f'<rect width="{width}" height="{height}" fill="white"/>',
        _text(width / 2, 22, title, "middle", 'font-size="14" font-weight="bold"'),
        *_grid(x, y, width, height),
        *_curve(values, x, y, height - _BOTTOM if logarithmic else None),
        _text((_LEFT + width - _RIGHT) / 2, height - 12, x_label, "middle"),
        _turned(16, (_TOP + height - _BOTTOM) / 2, y_label + (" (log scale)" if logarithmic else "")),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _finite(values: Sequence[float]) -> list[float]:
    return [value for value in values if math.isfinite(value)]


def _suits_log(values: Sequence[float]) -> bool:
    finite = _finite(values)
    positive = [value for value in finite if value > 0]
    return len(positive) > 1 and min(finite) >= 0 and max(positive) > 10 * min(positive)


def _padded_axis(values: Sequence[float], start: float, end: float) -> _Axis:
    finite = _finite(values) or [0.0, 1.0]
    low, high = min(finite), max(finite)
    pad = 0.05 * (high - low) or abs(high) * 0.1 or 1.0
    return _linear_axis(low - pad if low < 0 or low > pad else 0.0, high + pad, start, end)


def _linear_axis(low: float, high: float, start: float, end: float, whole: bool = False) -> _Axis:
    step = _round_step((high - low) / 6)
    if whole:
        step = max(1.0, step)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    ticks = tuple((k * step, f"{k * step:.10g}") for k in range(first, last + 1))
    return _Axis(lambda value: start + (value - low) / (high - low) * (end - start), ticks)


def _round_step(rough: float) -> float:
    """Return the next larger of 1, 2, 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))


def _log_axis(values: Sequence[float], start: float, end: float) -> _Axis:
    positive = [value for value in _finite(values) if value > 0]
    low, high = math.floor(math.log10(min(positive))), math.ceil(math.log10(max(positive)))
    every = max(1, math.ceil((high - low) / 8))
    ticks = [(10.0**k, _power(k)) for k in range(low, high + 1, every)]
    if high - low == 1:
        ticks += [(factor * 10.0**low, f"{factor * 10.0**low:.4g}") for factor in (2, 5)]
    return _Axis(lambda value: start + (math.log10(value) - low) / (high - low) * (end - start), tuple(ticks))


def _power(exponent: int) -> str:
    return f"{10.0**exponent:g}" if -3 <= exponent <= 3 else f"1e{exponent}"


def _grid(x: _Axis, y: _Axis, width: int, height: int) -> list[str]:
    right, bottom = width - _RIGHT, height - _BOTTOM
    parts = []
    for value, label in y.ticks:
        at = y.place(value)
        parts.append(f'<line x1="{_LEFT}" y1="{at:.1f}" x2="{right}" y2="{at:.1f}" stroke="{_GRID}"/>')
        parts.append(_text(_LEFT - 8, at + 4, label, "end"))
    for value, label in x.ticks:
        at = x.place(value)
        parts.append(f'<line x1="{at:.1f}" y1="{bottom}" x2="{at:.1f}" y2="{bottom + 5}" stroke="{_INK}"/>')
        parts.append(_text(at, bottom + 19, label, "middle"))
    parts.append(f'<path d="M{_LEFT} {_TOP}V{bottom}H{right}" fill="none" stroke="{_INK}"/>')
    return parts


def _curve(values: Sequence[float], x: _Axis, y: _Axis, zero: float | None) -> list[str]:
    """Return the line as paths, one for each run of finite values, thinned to what the eye can tell apart."""
    runs: list[list[tuple[float, float]]] = [[]]
    for at in _thinned(values):
        value = values[at]
        if not math.isfinite(value):
            runs.append([])
            continue
        runs[-1].append((x.place(at), zero if zero is not None and value <= 0 else y.place(value)))
    parts = []
    for run in runs:
        if len(run) == 1:
            parts.append(f'<circle cx="{run[0][0]:.1f}" cy="{run[0][1]:.1f}" r="2.5" fill="{_LINE}"/>')
        elif run:
            path = "L".join(f"{px:.1f} {py:.1f}" for px, py in run)
            parts.append(f'<path d="M{path}" fill="none" stroke="{_LINE}" stroke-width="1.8" stroke-linejoin="round"/>')
    return parts


def _thinned(values: Sequence[float], most: int = 1500) -> list[int]:
    """Return the places to draw: all of them, or the lowest and the highest of each of many short stretches."""
    count = len(values)
    if count <= most:
        return list(range(count))
    chosen = {0, count - 1}
    width = math.ceil(count / (most // 2))
    for start in range(0, count, width):
        stretch = range(start, min(start + width, count))
        chosen.add(min(stretch, key=values.__getitem__))
        chosen.add(max(stretch, key=values.__getitem__))
    return sorted(chosen)


def _text(x: float, y: float, text: str, anchor: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{" " + more if more else ""}>{escape(text, quote=False)}</text>'


def _turned(x: float, y: float, text: str) -> str:
    return f'<text transform="translate({x:.1f} {y:.1f}) rotate(-90)" text-anchor="middle">{escape(text, quote=False)}</text>'
