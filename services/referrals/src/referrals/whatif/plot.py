"""The plot of a what-if as SVG: contacts a week, as they were and as they would have been; flags by rule below."""

from __future__ import annotations

from collections import Counter
from datetime import date
from html import escape

from referrals.whatif.run import Report

WIDTH, HEIGHT, LEFT, BAR = 860, 200, 190, 16
ACTUAL, WHAT_IF = "#9db4cc", "#1d3f66"


def svg(report: Report) -> str:
    """A complete SVG document."""
    weeks: dict[date, Counter[str]] = {}
    for place in report.weeks:
        week = weeks.setdefault(place.week, Counter())
        week["actual"] += place.actual.contacts
        week["what_if"] += place.what_if.contacts
    top = _weeks(weeks)
    below, height = _rules(report, HEIGHT + 110)
    title = f"{report.first.isoformat()} to {report.last.isoformat()}: rule set {report.compared} in place of {report.in_force}"
    legend = (
        f'<rect x="20" y="38" width="12" height="12" fill="{ACTUAL}"/><text x="38" y="48">as it was</text>'
        f'<rect x="120" y="38" width="12" height="12" fill="{WHAT_IF}"/><text x="138" y="48">as it would have been</text>'
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="sans-serif" font-size="12">'
        f'<rect width="100%" height="100%" fill="white"/><text x="20" y="24" font-size="15">{escape(title)}</text>'
        f"{legend}{top}{below}</svg>\n"
    )


def _weeks(weeks: dict[date, Counter[str]]) -> str:
    """Pairs of bars, one pair a week: people who come to a coach's list."""
    most = max((max(week.values(), default=0) for week in weeks.values()), default=0) or 1
    step = (WIDTH - 60) / max(len(weeks), 1)
    bottom = HEIGHT + 50
    parts = [f'<text x="20" y="72">People on coaches\' lists a week (highest: {most:,})</text>']
    for number, (week, counted) in enumerate(sorted(weeks.items())):
        left = 30 + number * step
        for shift, name, colour in ((0.0, "actual", ACTUAL), (0.42, "what_if", WHAT_IF)):
            tall = counted[name] / most * (HEIGHT - 50)
            parts.append(
                f'<rect x="{left + shift * step:.1f}" y="{bottom - tall:.1f}" width="{step * 0.4:.1f}" height="{tall:.1f}"'
                f' fill="{colour}"><title>{week.isoformat()}: {counted[name]:,}</title></rect>'
            )
        if number % max(1, len(weeks) // 8) == 0:
            parts.append(f'<text x="{left:.1f}" y="{bottom + 16}" font-size="10">{week.isoformat()}</text>')
    return "".join(parts)


def _rules(report: Report, top: int) -> tuple[str, int]:
    """Two bars a rule: flags and reviews. Returns the drawing and the height it ends at."""
    most = max((max(both.actual.flags, both.what_if.flags) for both in report.rules.values()), default=0) or 1
    parts = [f'<text x="20" y="{top - 10}">Flags, outcomes and reviews by rule</text>']
    for number, (rule_id, both) in enumerate(report.rules.items()):
        y = top + number * (2 * BAR + 8)
        parts.append(f'<text x="20" y="{y + BAR + 4}">{escape(rule_id)}</text>')
        for row, (side, colour) in enumerate(((both.actual, ACTUAL), (both.what_if, WHAT_IF))):
            wide = side.flags / most * (WIDTH - LEFT - 90)
            parts.append(
                f'<rect x="{LEFT}" y="{y + row * BAR}" width="{wide:.1f}" height="{BAR - 2}" fill="{colour}"/>'
                f'<text x="{LEFT + wide + 6:.1f}" y="{y + row * BAR + 11}" font-size="10">{side.flags:,}</text>'
            )
    return "".join(parts), top + len(report.rules) * (2 * BAR + 8) + 20
