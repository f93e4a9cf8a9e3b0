"""The faces of mathematics as data in a page; see fonts/README.txt for their origin and licence."""

from __future__ import annotations

import base64
from functools import cache
from pathlib import Path

MATH_FAMILY = "Symbackprop Math"


@cache
def font_faces() -> str:
    """Return the style rules that bring the faces, upright and italic."""
    return "\n".join(_face(f"{name}.woff2", style) for name, style in (("math", "normal"), ("math-italic", "italic")))


def _face(file: str, style: str) -> str:
    packed = base64.b64encode((Path(__file__).parent / "fonts" / file).read_bytes()).decode("ascii")
    source = f'url("data:font/woff2;base64,{packed}") format("woff2")'
    return f'@font-face {{ font-family: "{MATH_FAMILY}"; font-style: {style}; src: {source}; }}'
