"""Curves as an SVG that reads on light and dark pages: what the docs show of a benchmark."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 720, 380
LEFT, RIGHT, TOP, BOTTOM = 60, 190, 40, 48
COLOURS = ("#8a8f94", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Of Okabe and Ito's palette; the first, grey, is the baseline's."""


class Curve(NamedTuple):
    """A name and points."""

    name: str
    x: NDArray[np.integer] | NDArray[np.floating]
    y: NDArray[np.floating]


def draw_curves(path: Path, curves: Sequence[Curve], *, title: str, x: str, y: str) -> None:
    """Write an SVG of curves with axes and a legend.

    Args:
        path: Its folder is made.
        curves: The baseline first.
        title, x, y: What is shown, and what the axes are.
    """
    low = min(float(curve.y.min()) for curve in curves)
    high = max(float(curve.y.max()) for curve in curves)
    first = min(float(curve.x.min()) for curve in curves)
    last = max(float(curve.x.max()) for curve in curves)
    inner = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def place(at: float, value: float) -> tuple[float, float]:
        across, up = (at - first) / ((last - first) or 1), (value - low) / ((high - low) or 1)
        return LEFT + inner[0] * across, TOP + inner[1] * (1 - up)

    grid = "".join(_y_tick(value, place(first, value)[1]) for value in np.linspace(low, high, 5))
    grid += "".join(_x_tick(at, place(at, low)[0]) for at in np.linspace(first, last, 5))
    lines = ""
    for number, curve in enumerate(curves):
        colour, y_name = COLOURS[number % len(COLOURS)], TOP + 14 + 22 * number
        points = " ".join(
            "{:.1f},{:.1f}".format(*place(at, value)) for at, value in zip(curve.x, curve.y, strict=True)
        )
        lines += (
            f'<polyline fill="none" stroke="{colour}" stroke-width="{3 if number == 0 else 2}" '
            f'points="{points}"/>'
            f'<rect x="{WIDTH - RIGHT + 10}" y="{y_name - 10}" width="12" height="12" fill="{colour}"/>'
            f'<text x="{WIDTH - RIGHT + 28}" y="{y_name}">{escape(curve.name)}</text>'
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        f'font-size="13" fill="#74797e"><text x="{LEFT}" y="20" font-size="16">{escape(title)}</text>'
        f"{grid}{lines}"
        f'<text x="{LEFT + inner[0] / 2}" y="{HEIGHT - 8}" text-anchor="middle">{escape(x)}</text>'
        f'<text x="16" y="{TOP - 8}">{escape(y)}</text></svg>\n',
        encoding="utf-8",
    )


def _y_tick(value: float, y: float) -> str:
    return (
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#8a8f94" opacity=".25"/>'
        f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:.3f}</text>'
    )


def _x_tick(at: float, x: float) -> str:
    return f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{at:.5g}</text>'
