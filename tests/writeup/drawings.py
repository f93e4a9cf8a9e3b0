"""Networks to draw, and an independent reading of a drawn SVG: its outlines, labels and lines as polygons.

Nothing here uses the project's geometry: polygons are clipped against each other (Sutherland and Hodgman 1974), and areas are
measured, so a mistake in the layout's own tests of what touches what cannot hide itself.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from itertools import pairwise
from math import cos, hypot, pi, radians, sin
from typing import Any

from symbackprop.network import Network, sigmoid

SVG = "{http://www.w3.org/2000/svg}"
Polygon = list[tuple[float, float]]


def dense(*sizes: int) -> tuple[Network, Any]:
    """Return a fully connected sigmoid network with a squared loss; its weights are w1, w2, … unit by unit."""
    net = Network("-".join(map(str, sizes)))
    previous = [net.inputs(f"x{k}") for k in range(1, sizes[0] + 1)]
    number = 0
    for layer, size in enumerate(sizes[1:], 1):
        letter = "o" if layer == len(sizes) - 1 else "ghijk"[layer - 1]
        bias = net.parameters(f"b{layer}")
        outputs = []
        for unit in range(1, size + 1):
            total = bias
            for source in previous:
                number += 1
                total += net.parameters(f"w{number}") * source
            summed = net.define(f"net_{letter}{unit}", total)
            outputs.append(net.define(f"out_{letter}{unit}", sigmoid(summed)))
        previous = outputs
    error = sum((net.targets(f"t{k}") - output) ** 2 for k, output in enumerate(previous, 1))
    return net, net.define("E", error)


@dataclass(frozen=True)
class Drawn:
    """What stands on the sheet, by identifier of its item."""

    labels: dict[str, Polygon]  # the patch behind the text of an edge or tag
    bodies: dict[str, Polygon]
    lines: dict[str, Polygon]  # points along the line, arrowhead left out
    texts: dict[str, list[str]]
    sheet: tuple[float, float]


def read_drawing(svg: str) -> Drawn:
    """Return what an SVG shows, in its own units (tenths of a pixel)."""
    root = ET.fromstring(svg)
    labels, bodies, lines, texts = {}, {}, {}, {}
    for group in root.iter(f"{SVG}g"):
        name = group.attrib["id"]
        texts[name] = ["".join(text.itertext()).replace("\u00a0", "") for text in group.iter(f"{SVG}text")]
        for rect in group.iter(f"{SVG}rect"):
            (labels if rect.attrib["class"] == "sb-paper" else bodies)[name] = _rectangle(rect)
        for disc in group.iter(f"{SVG}circle"):
            if "sb-body" in disc.attrib["class"]:
                bodies[name] = _circle(disc)
        for path in group.iter(f"{SVG}path"):
            if path.attrib["class"] == "sb-line":
                lines[name] = _points(path.attrib["d"])
    width, height = (float(number) for number in root.attrib["viewBox"].split()[2:])
    return Drawn(labels, bodies, lines, texts, (width, height))


def _rectangle(rect: ET.Element) -> Polygon:
    x, y, wide, high = (float(rect.attrib[name]) for name in ("x", "y", "width", "height"))
    corners = [(x, y), (x + wide, y), (x + wide, y + high), (x, y + high)]
    turned = re.fullmatch(r"rotate\((-?\d+) (-?\d+) (-?\d+)\)", rect.attrib.get("transform", "rotate(0 0 0)"))
    assert turned is not None
    angle, cx, cy = radians(int(turned[1])), float(turned[2]), float(turned[3])
    return [
        (
            cx + (px - cx) * cos(angle) - (py - cy) * sin(angle),
            cy + (px - cx) * sin(angle) + (py - cy) * cos(angle),
        )
        for px, py in corners
    ]


def _circle(disc: ET.Element) -> Polygon:
    x, y, radius = (float(disc.attrib[name]) for name in ("cx", "cy", "r"))
    return [(x + radius * cos(k * pi / 32), y + radius * sin(k * pi / 32)) for k in range(64)]


def _points(data: str) -> Polygon:
    numbers = [float(number) for number in re.findall(r"-?\d+", data)]
    points = list(zip(numbers[::2], numbers[1::2], strict=True))
    if "Q" not in data:
        return points
    (ax, ay), (bx, by), (cx, cy) = points
    return [
        (
            (1 - t) ** 2 * ax + 2 * t * (1 - t) * bx + t**2 * cx,
            (1 - t) ** 2 * ay + 2 * t * (1 - t) * by + t**2 * cy,
        )
        for t in (k / 40 for k in range(41))
    ]


def area(polygon: Polygon) -> float:
    """Return the area of a polygon (shoelace formula)."""
    pairs = zip(polygon, polygon[1:] + polygon[:1], strict=True)
    return abs(sum(ax * by - bx * ay for (ax, ay), (bx, by) in pairs)) / 2


def common(subject: Polygon, clip: Polygon) -> Polygon:
    """Return the common part of two convex polygons whose corners run the same way round."""
    result = subject
    for (ax, ay), (bx, by) in zip(clip, clip[1:] + clip[:1], strict=True):
        points, result = result, []

        def side(point: tuple[float, float], a: tuple[float, float] = (ax, ay), b: tuple[float, float] = (bx, by)) -> float:
            return (b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0])

        for here, after in zip(points, points[1:] + points[:1], strict=True):
            at_here, at_after = side(here), side(after)
            if at_here >= 0:
                result.append(here)
            if at_here * at_after < 0:
                t = at_here / (at_here - at_after)
                result.append((here[0] + t * (after[0] - here[0]), here[1] + t * (after[1] - here[1])))
    return result


def length_inside(line: Polygon, box: Polygon) -> float:
    """Return how much of a line lies inside a convex polygon whose corners run clockwise on the screen."""
    return sum(_piece_inside(first, last, box) for first, last in pairwise(line))


def _piece_inside(first: tuple[float, float], last: tuple[float, float], box: Polygon) -> float:
    """Return the length of the part of a segment on the inner side of every edge of the polygon."""
    begin, end = 0.0, 1.0
    for (px, py), (qx, qy) in zip(box, box[1:] + box[:1], strict=True):
        at_first = (qx - px) * (first[1] - py) - (qy - py) * (first[0] - px)
        at_last = (qx - px) * (last[1] - py) - (qy - py) * (last[0] - px)
        if at_first < 0 and at_last < 0:
            return 0.0
        if at_first < 0 or at_last < 0:
            t = at_first / (at_first - at_last)
            begin, end = (max(begin, t), end) if at_first < 0 else (begin, min(end, t))
    return max(0.0, end - begin) * hypot(last[0] - first[0], last[1] - first[1])


def apart(first: Polygon, second: Polygon) -> bool:
    """Return whether the upright frames of two figures have no point in common."""
    return any(
        max(point[axis] for point in one) < min(point[axis] for point in other)
        for axis in (0, 1)
        for one, other in ((first, second), (second, first))
    )


def faults(drawn: Drawn) -> list[str]:
    """Return everything in a drawing that cannot be read well.

    Labels over labels, labels over units, a label off its own edge, a strange edge through a label, an edge through a unit that
    is not its end, units over units, anything off the sheet.
    """
    found = []
    named = [*drawn.labels.items(), *drawn.bodies.items()]
    for number, (name, shape) in enumerate(named):
        for other, second in named[number + 1 :]:
            if not apart(shape, second) and area(common(shape, second)) > 30:
                found.append(f"{name} over {other}")
        if any(not (-5 <= x <= drawn.sheet[0] + 5 and -5 <= y <= drawn.sheet[1] + 5) for x, y in shape):
            found.append(f"{name} off the sheet")
    for edge, line in drawn.lines.items():
        if not edge.startswith("edge"):
            continue
        for name, label in drawn.labels.items():
            if name != edge and apart(line, label):
                continue
            through = length_inside(line, label)
            if name == edge and through < 80:
                found.append(f"{name} off its edge")
            if name != edge and through > 15:
                found.append(f"{edge} through the label of {name}")
        for name, body in drawn.bodies.items():
            if not apart(line, body) and length_inside(line, body) > 30:
                found.append(f"{edge} through {name}")
    return found
