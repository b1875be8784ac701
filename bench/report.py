# SPDX-License-Identifier: Apache-2.0
"""bench/run --report DIR rows.json...: one page with every row, its interval against its goal, and
the scaling curves. It needs nothing from anywhere: no script, no font, no other file.
"""

import html
import json
import os
import statistics
import sys

import plots
import works

GROUPS = [("Small objects", works.OBJECTS), ("Large files", works.LARGE),
          ("Trees of real files", works.TREES), ("Space", works.SPACE),
          ("A million files", works.FILES), ("Ten million files", works.MANY),
          ("Counters", works.COUNTS)]
# The same in every table, so that the eye finds its way down the page.
COLUMNS = "".join(f"<col style='width:{width}px'>" for width in (
    210, 125, 74, 74, 80, 120, 60, 215, 105, 65))
VERDICTS = {"met": "goal met", "missed": "goal missed", "unclear": "not decided",
            None: "without a goal"}


def read(names):
    """The rows of all files; of the same work, contender and peer only the last."""
    rows = {}
    for name in names:
        with open(name, encoding="utf-8") as file:
            for row in map(json.loads, file):
                rows[row["work"], row["contender"], row["peer"]] = row
    return list(rows.values())


def write(place, names):
    """0, or 2 where there is nothing to report on."""
    try:
        rows = read(names)
    except (OSError, ValueError, KeyError) as error:
        print(f"bench/run: --report: {error}", file=sys.stderr)
        return 2
    if not rows:
        print("bench/run: --report: there are no rows", file=sys.stderr)
        return 2
    os.makedirs(place, exist_ok=True)
    path = os.path.join(place, "index.html")
    with open(path, "w", encoding="utf-8") as file:
        file.write(page(rows))
    print(path)
    return 0


def number(value):
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 1e6:
        return f"{value / 1e6:.3g} M"
    if size >= 1e4:
        return f"{value / 1e3:.3g} k"
    return f"{value:.0f}" if size >= 100 else f"{value:.3g}"


def page(rows):
    parts = [head(rows), tiles(rows), curves(rows)]
    figures = {figure.name: figure for work in works.WORKS for figure in work.figures}
    left = list(rows)
    for title, members in GROUPS:
        names = [figure.name for work in members for figure in work.figures]
        mine = sorted((row for row in left if row["work"] in names),
                      key=lambda row: names.index(row["work"]))
        left = [row for row in left if row["work"] not in names]
        if mine:
            parts.append(table(title, mine, figures))
    if left:
        parts.append(table("Others", left, figures))
    parts.append(FOOT)
    return ("<!doctype html><html lang=en><head><meta charset=utf-8>"
            "<meta name=viewport content='width=device-width, initial-scale=1'>"
            f"<title>JzSE: bench/run</title><style>{STYLE}</style></head><body><main>"
            + "\n".join(parts) + "</main></body></html>\n")


def head(rows):
    def each(key):
        return ", ".join(sorted({str(row[key]) for row in rows if row.get(key) is not None}))
    machines = {json.dumps(row["machine"], sort_keys=True): row["machine"] for row in rows}
    lines = [" · ".join([html.escape(str(m["cpu"])), f"{m['cpus']} CPUs", f"{m['memory_gib']} GiB",
                         f"Linux {html.escape(m['kernel'])}", html.escape(m["filesystem"])])
             for m in machines.values()]
    dates = sorted(row["date"] for row in rows)
    noisy = sum(row["noisy_rounds"] for row in rows) / max(1, sum(row["rounds"] for row in rows))
    warnings = ""
    if any(row["quick"] for row in rows):
        warnings += "<p class=warn>Toy sizes (--quick): these figures mean nothing.</p>"
    if noisy > 0.3:
        warnings += (f"<p class=warn>{noisy:.0%} of the rounds were noisy: other work had the disk "
                     "or the CPUs. Do not judge by this page.</p>")
    return (f"<header><h1>JzSE against its peers</h1><p>{'<br>'.join(lines)}<br>commit "
            f"{html.escape(each('commit'))} · {dates[0][:16].replace('T', ' ')} to "
            f"{dates[-1][:16].replace('T', ' ')} UTC · seed {html.escape(each('seed'))}</p>"
            f"{warnings}</header>")


def tiles(rows):
    cells = []
    for verdict, label in VERDICTS.items():
        count = sum(row.get("verdict") == verdict for row in rows)
        cells.append(f"<div class='tile {verdict or 'none'}'><b>{count}</b>{label}</div>")
    return f"<section class=tiles>{''.join(cells)}</section>"


def table(title, rows, figures):
    body, last = [], None
    for row in rows:
        figure = figures.get(row["work"])
        about = html.escape(figure.about) if figure else ""
        name = ""
        if row["work"] != last:
            name = f"<b>{html.escape(row['work'])}</b><small>{about}</small>"
            last = row["work"]
        sign = "≥" if row["better"] == "higher" else "≤"
        goal = f"{sign} {row['target']:g}" if "target" in row else ""
        verdict = row.get("verdict")
        mark = f"<span class='mark {verdict}'>{VERDICTS[verdict]}</span>" if verdict else ""
        noisy = f"{row['noisy_rounds']} of {row['rounds']}"
        body.append(
            f"<tr title='{html.escape(row['durability'], quote=True)}'><td>{name}"
            f"<td>{html.escape(row['peer'])}<td class=n>{number(row['contender_value'])}"
            f"<td class=n>{number(row['peer_value'])}<td class=u>{html.escape(row['unit'])}"
            f"<td class=n>{number(row['ratio'])}<small>{number(row['low'])} to "
            f"{number(row['high'])}</small><td class=n>{goal}<td>{plots.interval(row)}"
            f"<td>{mark}<td class=n>{noisy}</tr>")
    return (f"<section><h2>{title}</h2><div class=wide><table>{COLUMNS}<thead><tr><th>work<th>peer"
            "<th class=n>JzSE<th class=n>peer<th><th class=n>ratio<th class=n>goal"
            "<th>worse than the goal ← → better<th><th class=n>noisy</tr></thead><tbody>"
            + "\n".join(body) + "</tbody></table></div></section>")


def curves(rows):
    row = next((row for row in rows if row["work"].startswith("growth-")), None)
    if row is None:
        return ""
    rounds = [sample["contender"]["points"] for sample in row["samples"]]
    panels = []
    for key, title in (("put_us", "durable put, µs"), ("get_us", "get, µs"),
                       ("open_ms", "open, ms")):
        series = []
        for at in zip(*rounds):
            values = [point[key] for point in at]
            files = statistics.median(point["files"] for point in at)
            series.append((files, statistics.median(values), min(values), max(values)))
        slope = next((r for r in rows if r["work"] == f"growth-{key.split('_', maxsplit=1)[0]}"),
                     None)
        note = f"slope {slope['contender_value']:.3f}, goal ≤ 0.05" if slope else ""
        panels.append(plots.curve(title, note, series, number))
    return f"<section><h2>From ten thousand files to millions</h2><div class=curves>{''.join(panels)}</div></section>"


FOOT = """<footer><p>Each ratio is JzSE's figure over the peer's of the same round; the row has the
median over the rounds and the 95 % interval of that median (order statistics; with fewer than six
rounds their whole range). The bar shows it relative to the goal, on a logarithmic axis; without a
goal relative to the peer. A goal counts as met or missed only if the whole interval says so. What
each side does before it acknowledges is shown by pointing at a row. bench/README.md has the
method.</p></footer>"""

STYLE = """
:root{--ink:#1d2530;--soft:#667085;--line:#e4e7ec;--page:#f7f8fa;--card:#fff;--good:#12805c;
--bad:#c4320a;--open:#9a6b00;--blue:#2457c5}
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ef;--soft:#98a2b3;--line:#2b3240;--page:#12161d;
--card:#1a202a;--good:#4cc38a;--bad:#ff8a65;--open:#e5b454;--blue:#7aa2f7}}
*{box-sizing:border-box}body{margin:0;background:var(--page);color:var(--ink);
font:15px/1.45 system-ui,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
main{max-width:1180px;margin:0 auto;padding:32px 20px 60px}
h1{font-size:28px;margin:0 0 6px}h2{font-size:19px;margin:36px 0 10px}
header p{color:var(--soft);margin:0}.warn{color:var(--bad)!important;font-weight:600;margin-top:10px!important}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin-top:24px}
.tile{background:var(--card);border:1px solid var(--line);border-left:4px solid var(--soft);
border-radius:8px;padding:12px 16px;color:var(--soft)}.tile b{display:block;font-size:26px;color:var(--ink)}
.tile.met{border-left-color:var(--good)}.tile.missed{border-left-color:var(--bad)}
.tile.unclear{border-left-color:var(--open)}
.wide{overflow-x:auto;background:var(--card);border:1px solid var(--line);border-radius:8px}
table{border-collapse:collapse;table-layout:fixed;width:100%;min-width:1120px;font-variant-numeric:tabular-nums}
th{font-weight:600;font-size:12px;color:var(--soft);text-align:left;padding:10px 8px;white-space:nowrap}
td{padding:7px 8px;border-top:1px solid var(--line);vertical-align:top;white-space:nowrap}
td:first-child{white-space:normal;min-width:190px;max-width:270px}td small{display:block;color:var(--soft);font-size:12px}
.n{text-align:right}.u{color:var(--soft);font-size:12px;padding-top:9px}
.mark{font-size:12px;border-radius:10px;padding:2px 8px;border:1px solid currentColor}
.met{color:var(--good)}.missed{color:var(--bad)}.unclear{color:var(--open)}.none{color:var(--soft)}
.tile.met,.tile.missed,.tile.unclear{color:var(--soft)}
.curves{display:grid;grid-template-columns:repeat(auto-fit,minmax(320px,1fr));gap:12px}
.card{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:14px}
.card h3{margin:0;font-size:15px}.card p{margin:0;color:var(--soft);font-size:12px}
svg text{fill:var(--soft);font-size:11px}footer{color:var(--soft);font-size:13px;margin-top:36px}
"""
