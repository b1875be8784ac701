# SPDX-License-Identifier: Apache-2.0
"""The drawings of the report, as inline SVG in the colours of its style sheet."""

import html
import math

INTERVAL_WIDTH, INTERVAL_HEIGHT = 220, 18
DECADES = 1.5  # shown on either side of the goal


def log_place(value):
    """Where a multiple of the goal lies, 0 to 1; what is beyond the axis is at its end."""
    if value <= 0:
        return 0.0
    return min(1.0, max(0.0, 0.5 + math.log10(value) / (2 * DECADES)))


def interval(row):
    """Median and interval relative to the goal, or to the peer where there is no goal: right is
    better."""
    goal = row.get("target", 1.0)
    if row["better"] == "higher":
        middle, low, high = (row[name] / goal for name in ("ratio", "low", "high"))
    else:
        # A slope may be zero or less: as good as can be.
        middle, low, high = (goal / row[name] if row[name] > 0 else math.inf
                             for name in ("ratio", "high", "low"))
    verdict = row.get("verdict")
    colour = {"met": "good", "missed": "bad", "unclear": "open"}.get(verdict, "soft")
    x, left, right = (8 + (INTERVAL_WIDTH - 16) * log_place(v) for v in (middle, low, high))
    half, y = INTERVAL_WIDTH / 2, INTERVAL_HEIGHT / 2
    ticks = "".join(
        f"<line x1='{8 + (INTERVAL_WIDTH - 16) * log_place(10 ** d):.1f}' y1='{y - 3}' "
        f"x2='{8 + (INTERVAL_WIDTH - 16) * log_place(10 ** d):.1f}' y2='{y + 3}' "
        "stroke='var(--line)' stroke-width='1.5'/>" for d in (-1, 1))
    return (
        f"<svg width='{INTERVAL_WIDTH}' height='{INTERVAL_HEIGHT}' role='img' "
        f"aria-label='{middle:.2f} of the goal'>"
        f"<line x1='8' y1='{y}' x2='{INTERVAL_WIDTH - 8}' y2='{y}' stroke='var(--line)'/>{ticks}"
        f"<line x1='{half}' y1='1' x2='{half}' y2='{INTERVAL_HEIGHT - 1}' stroke='var(--ink)' "
        "stroke-opacity='.55'/>"
        f"<line x1='{left:.1f}' y1='{y}' x2='{max(right, left + 1):.1f}' y2='{y}' "
        f"stroke='var(--{colour})' stroke-width='6' stroke-opacity='.35' stroke-linecap='round'/>"
        f"<circle cx='{x:.1f}' cy='{y}' r='4.5' fill='var(--{colour})'/></svg>")


def ticks_of(low, high):
    """Powers of ten within, and 2 and 5 times those where there are few."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1,) if len(powers) > 4 else (1, 2, 5)
    return [s * 10.0 ** p for p in powers for s in steps if low <= s * 10.0 ** p <= high]


def curve(title, note, series, number):
    """series: [(x, y, low, high)], both axes logarithmic."""
    width, height, left, right, top, bottom = 360, 240, 52, 14, 14, 34
    xs = [x for x, *_ in series]
    ys = [y for _, *three in series for y in three]
    # At least a decade and a half up, so that a flat line looks flat.
    middle = math.sqrt(min(ys) * max(ys))
    reach = max(math.sqrt(max(ys) / min(ys)) * 1.3, 10 ** 0.75)
    y_low, y_high = middle / reach, middle * reach
    x_low, x_high = min(xs) / 1.3, max(xs) * 1.3

    def place(x, y):
        across = math.log(x / x_low) / math.log(x_high / x_low)
        up = math.log(y / y_low) / math.log(y_high / y_low)
        return (left + across * (width - left - right), height - bottom - up * (height - top - bottom))

    parts = []
    for tick in ticks_of(y_low, y_high):
        _, y = place(x_low, tick)
        parts.append(f"<line x1='{left}' y1='{y:.1f}' x2='{width - right}' y2='{y:.1f}' "
                     f"stroke='var(--line)'/><text x='{left - 6}' y='{y + 4:.1f}' "
                     f"text-anchor='end'>{number(tick)}</text>")
    for x in xs:
        at, _ = place(x, y_low)
        parts.append(f"<text x='{at:.1f}' y='{height - bottom + 16}' text-anchor='middle'>"
                     f"{number(x)}</text>")
    points = [place(x, y) for x, y, *_ in series]
    for (x, y, low, high), (at, _) in zip(series, points):
        (_, a), (_, b) = place(x, low), place(x, high)
        parts.append(f"<line x1='{at:.1f}' y1='{a:.1f}' x2='{at:.1f}' y2='{b:.1f}' "
                     "stroke='var(--blue)' stroke-opacity='.4' stroke-width='5' "
                     "stroke-linecap='round'/>")
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    parts.append(f"<polyline points='{path}' fill='none' stroke='var(--blue)' stroke-width='2'/>")
    parts += [f"<circle cx='{x:.1f}' cy='{y:.1f}' r='4' fill='var(--blue)'/>" for x, y in points]
    parts.append(f"<text x='{(left + width - right) / 2}' y='{height - 2}' text-anchor='middle'>"
                 "files in the store</text>")
    return (f"<div class=card><h3>{html.escape(title)}</h3><p>{html.escape(note)}</p>"
            f"<svg viewBox='0 0 {width} {height}' width='100%'>{''.join(parts)}</svg></div>")
