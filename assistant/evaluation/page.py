"""The report as one HTML file that needs nothing else: figures beside a baseline, the language matrix, curves, every question.

It renders a summary and results; it computes nothing that a release depends on. Text of documents and answers is shown as text: what
stands in the tables is escaped here, the list of questions is built by `static/report.js` from JSON, never as markup.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from assistant.evaluation.metrics import LOWER_IS_BETTER, Cell, Figure, Point, Spread
from assistant.evaluation.report import CHURNS, LOSSES, Sight, Summary, asked_once
from assistant.evaluation.reviews import Agreement
from assistant.evaluation.runs import Result, Run
from assistant.evaluation.statistics import SMALLEST, Power
from assistant.language.packs import pack_or_english

_STATIC = Path(__file__).parent / "static"
# What a person reads first; the table below them has the rest.
_CARDS = ("success@5, same language", "success@5, across", "vital nuggets", "citation validity", "citation precision", "abstains when it should")
_BINS = 24


def page(run: Run, found: Summary, baseline: Run | None = None, agreement: Sequence[Agreement] = ()) -> str:
    """The whole file as text."""
    results = asked_once(run)
    before = {result.key: result for result in asked_once(baseline)} if baseline else {}
    data = {"questions": [_question(result, before.get(result.key)) for result in results]}
    body = "\n".join((
        _header(found, baseline), _cards(found), _release(found, baseline), _matrix(found.matrix), _figures(found),
        _curves(found, results), _spread(found.spread), _sights(found.sights), _agreement(agreement), _QUESTIONS,
    ))  # fmt: skip
    # "</script" in a document must not end the element.
    payload = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    style, script = ((_STATIC / name).read_text("utf-8") for name in ("report.css", "report.js"))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">"
        f'<title>Answer quality</title><link rel="icon" href="data:,"><style>{style}</style></head>\n<body>\n{body}\n'
        f'<script type="application/json" id="data">{payload}</script>\n<script>{script}</script>\n</body></html>\n'
    )


def _question(result: Result, before: Result | None) -> dict[str, Any]:
    found = result.score.found
    made: dict[str, Any] = {
        "key": result.key, "set": result.set, "kind": result.kind, "language": result.language, "split": result.split, "question": result.question,
        "direction": pack_or_english(result.language).direction, "answerable": result.answerable, "gold": result.gold, "reviewed": result.reviewed,
        "text": result.text, "mode": result.mode, "citations": result.citations, "wrong": result.score.wrong, "confidence": result.confidence,
        "ms": round(result.timings_ms.get("total", 0.0)), "rank": (min(found["mixed"].ranks, default=0) if "mixed" in found else None),
        "ranks": {pool: min(one.ranks, default=0) for pool, one in found.items() if pool != "mixed"}, "vital": result.score.vital,
    }  # fmt: skip
    if before is not None and (before.score.wrong != result.score.wrong or before.text != result.text):
        made["before"] = {"text": before.text, "wrong": before.score.wrong}
        made["moved"] = (len(before.score.wrong) > 0) - (len(result.score.wrong) > 0)
    return made


# -- parts --------------------------------------------------------------------------------------------------------------


def _header(found: Summary, baseline: Run | None) -> str:
    failed = [verdict for verdict in found.verdicts if not verdict.passed]
    waived = [verdict for verdict in found.verdicts if verdict.waived]
    if failed:
        verdict = f'<p class="verdict bad"><strong>Stopped.</strong> {len(failed)} of {len(found.verdicts)} gates failed: {escape("; ".join(v.gate for v in failed))}</p>'
    elif found.verdicts:
        more = f", {len(waived)} of them by waiver" if waived else ""
        verdict = f'<p class="verdict good"><strong>May be released.</strong> {len(found.verdicts)} gates held{more}.</p>'
    else:
        verdict = '<p class="verdict">No gates were given.</p>'
    header = found.header
    facts = [
        ("made", header.get("made", "")), ("revision", header.get("revision") or "outside a checkout"), ("sets", ", ".join(header.get("sets", ()))),
        ("questions", header.get("count", "")), ("index", header.get("index", "")),
    ]  # fmt: skip
    if baseline is not None:
        facts.append(("compared with", f"{baseline.header.get('made', '')}, revision {baseline.header.get('revision') or 'unknown'}"))
    items = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(str(value))}</dd></div>" for name, value in facts)
    settings = escape(json.dumps(header.get("settings", {}), ensure_ascii=False, indent=1))
    contents = "".join(
        f'<a href="#{anchor}">{name}</a>'
        for anchor, name in (("languages", "Languages"), ("figures", "Figures"), ("curves", "Abstention and time"), ("sight", "What can be seen"), ("questions", "Questions"))
    )
    return (
        f'<header><h1>Answer quality</h1>{verdict}<dl class="facts">{items}</dl><details><summary>Settings</summary><pre>{settings}</pre></details>'
        f'<nav>{contents}<button type="button" id="print">Print the release page</button></nav></header>'
    )


def _cards(found: Summary) -> str:
    by_metric = {figure.metric: figure for figure in found.figures if figure.slice == "all"}
    cards = "".join(_card(by_metric[metric]) for metric in _CARDS if metric in by_metric)
    if found.balanced_accuracy is not None:
        cards += f'<div class="card"><span>abstention, balanced accuracy</span><b>{found.balanced_accuracy:.2f}</b><i>always abstaining: 0.50</i></div>'
    if found.follow_ups is not None:
        f = found.follow_ups
        cards += f'<div class="card"><span>follow-ups, vital nuggets</span><b>{_percent(f.asked)}</b><i>written out: {_percent(f.full)}</i></div>'
    return f'<section class="cards">{cards}</section>'


def _card(figure: Figure) -> str:
    own = figure.estimate
    change = f'<i class="{_direction(figure)}">{_signed(figure.difference.mean)} to the baseline</i>' if figure.difference else f"<i>{_percent(own.low)} to {_percent(own.high)}</i>"
    return f'<div class="card"><span>{escape(figure.metric)}</span><b>{_percent(own.mean)}</b>{change}</div>'


def _release(found: Summary, baseline: Run | None) -> str:
    """What somebody signs: verdict, gates with their waivers, key figures. Seen on paper only."""
    rows = "".join(
        f'<tr><td>{escape(v.gate)}</td><td>{"waived" if v.waived else "held" if v.passed else "FAILED"}</td><td>{escape(": ".join(filter(None, (v.reason, v.waived))))}</td></tr>'
        for v in found.verdicts
    )
    figures = "".join(
        f"<tr><td>{escape(f.metric)}</td><td>{_percent(f.estimate.mean)}</td><td>{_percent(f.estimate.low)} to {_percent(f.estimate.high)}</td><td>{f.estimate.count}</td>"
        f"<td>{_signed(f.difference.mean) + ' [' + _signed(f.difference.low) + ' ' + _signed(f.difference.high) + ']' if f.difference else ''}</td></tr>"
        for f in found.figures
        if f.slice == "all"
    )
    against = f"compared with the run of {escape(str(baseline.header.get('made', '')))}" if baseline else "without a baseline"
    return (
        f'<section id="release"><h2>Release sheet</h2><p>Run of {escape(str(found.header.get("made", "")))}, revision {escape(str(found.header.get("revision") or "unknown"))}, '
        f"{found.header.get('count', '')} questions, {against}. {'Every gate held.' if found.passed else 'A gate failed.'}</p>"
        f"<table><thead><tr><th>Gate</th><th>Verdict</th><th>Why</th></tr></thead><tbody>{rows}</tbody></table>"
        f"<table><thead><tr><th>Figure, all questions</th><th>Value</th><th>95% interval</th><th>n</th><th>Change</th></tr></thead><tbody>{figures}</tbody></table>"
        '<div class="signatures"><p>Released<span></span></p><p>Name<span></span></p><p>Date<span></span></p></div></section>'
    )


def _matrix(matrix: Mapping[str, Mapping[str, Cell]]) -> str:
    columns = sorted({pool for row in matrix.values() for pool in row})
    if not columns:
        return ""
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    rows = "".join(
        f'<tr><th scope="row">{escape(language)}</th>{"".join(_cell(row.get(column), language == column) for column in columns)}</tr>' for language, row in matrix.items()
    )
    return (
        '<section id="languages"><h2>Question language × document language</h2><p>Share of questions whose passage is among the first five, when only documents of '
        'that language are searched. Pale cells rest on fewer than 30 questions.</p><div class="scroll"><table class="heat"><thead><tr><th scope="col">asked in ↓</th>'
        f"{head}</tr></thead><tbody>{rows}</tbody></table></div></section>"
    )


def _cell(cell: Cell | None, own: bool) -> str:
    if cell is None:
        return "<td>–</td>"
    # 60% and below is red, 100% is green; hues between by the share of that way.
    hue = round(130 * max(0.0, min(1.0, (cell.value - 0.6) / 0.4)))
    pale = "" if cell.count >= 30 else " pale"
    return f'<td class="value{pale}{" own" if own else ""}" style="--hue:{hue}" title="{cell.count} questions">{_percent(cell.value)}<small>{cell.count}</small></td>'


def _figures(found: Summary) -> str:
    names = list(dict.fromkeys(figure.slice for figure in found.figures))
    options = "".join(f"<option>{escape(name)}</option>" for name in names)
    compared = any(figure.difference for figure in found.figures)
    head = "<th>metric</th><th>value</th><th>95% interval</th><th>n</th>" + ("<th>change</th><th>p</th>" if compared else "")
    head += "".join(f"<th>{escape(name)}</th>" for name in found.beside)
    rows = "".join(_row(figure, found.beside, compared) for figure in found.figures)
    notes = "Intervals resample clusters of questions that share documents. Slices of fewer than "
    return (
        f'<section id="figures"><h2>Figures</h2><p><label>Slice <select id="slice">{options}</select></label></p>'
        f'<div class="scroll"><table class="figures"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
        f"<p class=\"note\">{notes}{SMALLEST} questions are shown in grey and gate nothing. p is corrected for the number of slices (Holm).</p></section>"
    )


def _row(figure: Figure, beside: Mapping[str, Mapping[str, Mapping[str, float]]], compared: bool) -> str:
    own = figure.estimate
    low, high, mean = (100 * max(0.0, min(1.0, value)) for value in (own.low, own.high, own.mean))
    bar = f'<span class="bar"><span style="left:{low:.1f}%;width:{max(0.5, high - low):.1f}%"></span><b style="left:{mean:.1f}%"></b></span>'
    cells = f"<th scope=\"row\">{escape(figure.metric)}</th><td>{_percent(own.mean)}</td><td class=\"interval\">{bar}<small>{_percent(own.low)} – {_percent(own.high)}</small></td><td>{own.count}</td>"
    if compared:
        d = figure.difference
        if d is None:
            cells += "<td></td><td></td>"
        else:
            cells += f'<td class="{_direction(figure)}">{_signed(d.mean)} <small>[{_signed(d.low)} {_signed(d.high)}]</small></td><td>{figure.p:.3f}</td>'
    for means in beside.values():
        value = means.get(figure.metric, {}).get(figure.slice)
        cells += f"<td>{'–' if value is None else _percent(value)}</td>"
    small = ' class="small"' if own.count < SMALLEST else ""
    return f'<tr data-slice="{escape(figure.slice, quote=True)}"{small}>{cells}</tr>'


def _curves(found: Summary, results: Sequence[Result]) -> str:
    times = [result.timings_ms.get("total", 0.0) for result in results]
    return (
        '<section id="curves" class="two"><figure><figcaption>Risk and coverage: if only the surer answers were given, this share of the questions would get one, and this '
        f"share of these would be wrong</figcaption>{_risk_svg(found.risk_coverage)}</figure>"
        f"<figure><figcaption>Time of an answer: {_latency(found.latency_ms)}</figcaption>{_histogram_svg(times)}</figure></section>"
    )


def _latency(latency: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.0f} ms" for name, value in latency.items()) or "nothing measured"


_WIDE, _HIGH, _EDGE = 520, 240, 38


def _svg(inner: str, label: str) -> str:
    return f'<svg viewBox="0 0 {_WIDE} {_HIGH}" role="img" aria-label="{escape(label, quote=True)}">{inner}</svg>'


def _axes(x: Iterable[tuple[float, str]], y: Iterable[tuple[float, str]], below: str, beside: str) -> str:
    """Grid lines with their labels; positions are shares of the plot."""
    wide, high = _WIDE - 2 * _EDGE, _HIGH - 2 * _EDGE
    parts = []
    for share, label in y:
        at = _HIGH - _EDGE - share * high
        parts.append(f'<line class="grid" x1="{_EDGE}" x2="{_WIDE - _EDGE}" y1="{at:.1f}" y2="{at:.1f}"/><text x="{_EDGE - 5}" y="{at + 4:.1f}" text-anchor="end">{label}</text>')
    for share, label in x:
        at = _EDGE + share * wide
        parts.append(f'<text x="{at:.1f}" y="{_HIGH - _EDGE + 16}" text-anchor="middle">{label}</text>')
    parts.append(f'<text x="{_WIDE / 2}" y="{_HIGH - 4}" text-anchor="middle">{below}</text><text x="{_EDGE}" y="{_EDGE - 12}">{beside}</text>')
    return "".join(parts)


def _risk_svg(points: Sequence[Point]) -> str:
    if not points:
        return '<p class="note">No answer says how sure it is.</p>'
    wide, high = _WIDE - 2 * _EDGE, _HIGH - 2 * _EDGE
    ticks = [(share, f"{share:.0%}") for share in (0, 0.25, 0.5, 0.75, 1)]
    line = " ".join(f"{_EDGE + p.coverage * wide:.1f},{_HIGH - _EDGE - p.risk * high:.1f}" for p in points)
    last = points[-1]
    dot = f'<circle cx="{_EDGE + last.coverage * wide:.1f}" cy="{_HIGH - _EDGE - last.risk * high:.1f}" r="4"><title>as it is: {last.coverage:.0%} answered, {last.risk:.0%} wrong</title></circle>'
    label = f"as it is: {last.coverage:.0%} answered, {last.risk:.0%} of these wrong"
    return _svg(_axes(ticks, ticks, "answered", "wrong") + f'<polyline class="line" points="{line}"/>{dot}', label) + f'<p class="note">{label}</p>'


def _histogram_svg(times: Sequence[float]) -> str:
    if not times or max(times) <= 0:
        return ""
    # The slowest hundredth would make the rest one bar.
    most = sorted(times)[min(len(times) - 1, int(0.99 * len(times)))]
    step = _round_step(most / _BINS)
    bins = [0] * (math.ceil(most / step) + 1)
    for time in times:
        bins[min(len(bins) - 1, int(time / step))] += 1
    wide, high, top = _WIDE - 2 * _EDGE, _HIGH - 2 * _EDGE, max(bins)
    bar = wide / len(bins)
    bars = "".join(
        f'<rect x="{_EDGE + place * bar:.1f}" y="{_HIGH - _EDGE - count / top * high:.1f}" width="{max(1, bar - 1.5):.1f}" height="{count / top * high:.1f}">'
        f"<title>{place * step:g} to {(place + 1) * step:g} ms: {count}</title></rect>"
        for place, count in enumerate(bins)
    )
    every = max(1, len(bins) // 6)
    x = [(place / len(bins), f"{place * step:g}") for place in range(0, len(bins), every)]
    y = [(share, f"{round(share * top)}") for share in (0, 0.5, 1)]
    return _svg(_axes(x, y, "ms (the last bar: slower)", "questions") + bars, "histogram of answer times")


def _round_step(raw: float) -> float:
    size = 10.0 ** math.floor(math.log10(raw))
    return next(size * factor for factor in (1, 2, 5, 10) if size * factor >= raw)


def _spread(found: Sequence[Spread]) -> str:
    if not found:
        return ""
    rows = "".join(
        f"<tr><th scope=\"row\">{escape(one.metric)}</th><td>{one.deviation * 100:.2f}</td><td>{_percent(min(one.means))} – {_percent(max(one.means))}</td><td>{_percent(one.changed)}</td></tr>"
        for one in found
    )
    return (
        f'<section id="spread"><h2>Asked {len(found[0].means)} times</h2><p>How far the figures over all questions lie apart between repeats.</p><div class="scroll"><table><thead><tr>'
        f"<th>metric</th><th>standard deviation, points</th><th>from – to</th><th>questions that changed</th></tr></thead><tbody>{rows}</tbody></table></div></section>"
    )


def _sights(sights: Sequence[Sight]) -> str:
    if not sights:
        return ""
    parts = []
    for sight in sights:
        seen, stopped = ("beyond those tried" if value is None else f"{100 * value:.1f} points" for value in (sight.smallest, sight.smallest_stopped))
        parts.append(
            f"<h3>{escape(sight.metric)}</h3><p>Smallest loss found 80% of the time: <b>{seen}</b>; that stops a release (margin {100 * sight.margin:.0f} points): "
            f'<b>{stopped}</b>.</p><div class="scroll">{_power_table(sight)}</div>'
        )
    return (
        '<section id="sight"><h2>What a run like this can see</h2><p>Each cell: how often the loss is seen (its interval lies below zero), and how often it stops a release, '
        "in 200 simulated comparisons. With churn, as much is gained elsewhere and lost on top.</p>" + "".join(parts) + "</section>"
    )


def _power_table(sight: Sight) -> str:
    units = (("single questions change, with their translations", sight.questions), ("whole clusters of questions change", sight.clusters))
    first = "".join(f'<th colspan="{len(CHURNS)}">{name}</th>' for name, _ in units)
    second = "".join(f"<th>churn {churn:.0%}</th>" for _ in units for churn in CHURNS)
    rows = ""
    for loss in LOSSES:
        cells = "".join(_power_cell(next((row for row in table if (row.loss, row.churn) == (loss, churn)), None)) for _, table in units for churn in CHURNS)
        rows += f'<tr><th scope="row">−{100 * loss:g} points</th>{cells}</tr>'
    return f'<table class="power"><thead><tr><th></th>{first}</tr><tr><th>loss</th>{second}</tr></thead><tbody>{rows}</tbody></table>'


def _power_cell(row: Power | None) -> str:
    if row is None:
        return '<td title="the questions cannot gain or lose so much">–</td>'
    return f'<td style="--share:{row.seen:.2f}">{row.seen:.0%}<small>{row.stopped:.0%}</small></td>'


def _agreement(found: Sequence[Agreement]) -> str:
    if not found:
        return ""
    rows = "".join(
        f"<tr><th scope=\"row\">{escape(a.who)}</th><td>{a.measured}</td><td>{a.unmeasured}</td><td>{'–' if a.agreement is None else _percent(a.agreement)}</td>"
        f"<td>{'–' if a.kappa is None else f'{a.kappa:.2f}'}</td></tr>"
        for a in found
    )
    return (
        '<section id="agreement"><h2>Agreement with the measured verdict</h2><p>How often a reviewer or a judge model calls an answer right when its nuggets and citations '
        "say so, and wrong when they do not. It gates nothing.</p><div class='scroll'><table><thead><tr><th>who</th><th>judged</th><th>unmeasured</th><th>agreement</th><th>Cohen's kappa</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div></section>"
    )


_QUESTIONS = """<section id="questions"><h2>Questions</h2>
<form id="filter" role="search">
<label>Set <select name="set"></select></label><label>Language <select name="language"></select></label><label>Kind <select name="kind"></select></label>
<label>Split <select name="split"></select></label><label>What went wrong <select name="wrong"></select></label><label>Against the baseline <select name="moved"></select></label>
<label>Contains <input name="text" type="search" placeholder="question, answer, document …"></label></form>
<p id="count" aria-live="polite"></p><ol id="list"></ol><p><button type="button" id="more">Show more</button></p><noscript>The list of questions needs JavaScript.</noscript></section>"""


def _percent(value: float) -> str:
    text = f"{100 * value:.1f}"
    return f"{text.removesuffix('.0')}%"


def _signed(value: float) -> str:
    return f"{100 * value:+.1f}".replace("-", "−")


def _direction(figure: Figure) -> str:
    d = figure.difference
    if d is None or d.low <= 0 <= d.high:
        return ""
    return "up" if (d.mean > 0) != (figure.metric in LOWER_IS_BETTER) else "down"
