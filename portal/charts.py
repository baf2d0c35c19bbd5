"""Charts as SVG in a figure: a sentence that says what they show, the drawing, the numbers in a table."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from markupsafe import Markup, escape

# Drawing units of the burn-down. Text is sized in charts.css, larger on small screens.
WIDTH, HEIGHT = 640.0, 290.0
TOP, FLOOR = 48.0, 252.0
PACE_WINDOW = timedelta(days=28)


@dataclass(frozen=True, slots=True)
class BurnPoint:
    """What remained at the end of one day."""

    day: date
    remaining: float


@dataclass(frozen=True, slots=True)
class Outlook:
    """Where the recent pace leads: units a day, and the day nothing is left (None: not before the end)."""

    per_day: float
    empty_on: date | None
    left_at_end: float


@dataclass(frozen=True, slots=True)
class Frame:
    """Maps days and amounts to drawing units."""

    starts: date
    ends: date
    peak: float

    def x(self, day: date) -> float:
        span = max((self.ends - self.starts).days, 1)
        return min(max((day - self.starts).days / span, 0.0), 1.0) * WIDTH

    def y(self, amount: float) -> float:
        return FLOOR - min(max(amount / self.peak, 0.0), 1.0) * (FLOOR - TOP)

    def at(self, day: date, amount: float) -> str:
        return f"{self.x(day):.1f} {self.y(amount):.1f}"


def burn_down(
    points: Sequence[BurnPoint], *, granted: int, starts: date, ends: date, unit: str, today: date
) -> Markup:
    """What is left of an allocation over time, beside an even pace and the recent one.

    `granted` and the points are in the same `unit`. Points after `today` are ignored.
    """
    known = sorted((p for p in points if p.day <= today), key=lambda p: p.day) or [BurnPoint(starts, granted)]
    outlook = _outlook(known, granted=granted, starts=starts, ends=ends)
    frame = Frame(starts, ends, max([granted, *(p.remaining for p in known)], default=1) or 1)
    drawing = Markup("").join(
        [
            _today(frame, today),
            _grid(frame, granted),
            _line("chart__even", [frame.at(starts, granted), frame.at(ends, 0)]),
            _area(frame, known),
            _projection(frame, known[-1], outlook),
            _line("chart__line", [frame.at(p.day, p.remaining) for p in known]),
            _dot(frame, known[-1]),
        ]
    )
    rows = [(_day(p.day), _number(p.remaining), _number(_even(p.day, granted, starts, ends))) for p in known]
    svg = _svg(drawing, f"Line chart of {unit} remaining, {_day(starts)} to {_day(ends)}")
    return _figure(
        _burn_summary(known[-1], outlook, granted=granted, ends=ends, unit=unit, today=today),
        svg + _legend(with_pace=_leads_on(known[-1], outlook)),
        _table(f"Remaining {unit} by day", ["Day", "Remaining", "At an even pace"], rows),
        kind="burn-down",
    )


def bars(title: str, rows: Sequence[tuple[str, float, str]], unit: str) -> Markup:
    """Horizontal bars, in the order given; each row is label, value, note (may be empty)."""
    if not rows:
        return _figure(
            Markup("<strong>{}</strong> Nothing to show yet.").format(title), Markup(""), Markup("")
        )
    longest = max(value for _, value, _ in rows)
    items = Markup("").join(_bar(label, value, note, longest=longest) for label, value, note in rows)
    top = max(rows, key=lambda row: row[1])
    total = sum(value for _, value, _ in rows)
    summary = Markup("<strong>{}</strong> {} {} in all; the most is {} with {}.").format(
        title, _number(total), unit, top[0], _number(top[1])
    )
    cells = [(label, f"{_number(value)} {unit}", note) for label, value, note in rows]
    headers = ["Name", "Amount", "Note"] if any(note for _, _, note in rows) else ["Name", "Amount"]
    table = _table(title, headers, [row[: len(headers)] for row in cells])
    return _figure(summary, Markup('<ul class="bars">{}</ul>').format(items), table, kind="bars")


def levels(title: str, rows: Sequence[tuple[str, float, str]], unit: str) -> Markup:
    """As `bars` for amounts that do not add up, on a scale from 0 to 100; the first row stands out."""
    if not rows:
        return bars(title, rows, unit)
    items = Markup("").join(_bar(label, value, note, longest=100) for label, value, note in rows)
    summary = Markup("<strong>{}</strong> The first is {} with {} {}.").format(
        title, rows[0][0], _number(rows[0][1]), unit
    )
    cells = [(label, f"{_number(value)} {unit}") for label, value, _ in rows]
    drawn = Markup('<ul class="bars">{}</ul>').format(items)
    return _figure(summary, drawn, _table(title, ["Name", "Amount"], cells), kind="bars")


def level(value: float) -> Markup:
    """A number from 0 to 1 with a bar, to fit a table cell."""
    return Markup(
        '<span class="level"><span class="level__value">{}</span><svg class="bars__bar" viewBox="0 0 100 8" '
        'preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        '<rect class="bars__fill" width="{}" height="8"></rect></svg></span>'
    ).format(f"{value:.2f}", f"{100 * min(max(value, 0.0), 1.0):.1f}")


def spread(scores: Sequence[float], low: float = 1, high: float = 5) -> Markup:
    """A dot for each score on a short scale, to fit a table cell; the caption names every number."""
    if not scores:
        return Markup('<span class="muted">No scores yet</span>')
    ordered = sorted(scores)
    mean = sum(ordered) / len(ordered)
    span = (high - low) or 1
    dots = [
        Markup('<circle class="spread__dot" cx="{}" cy="{}" r="4.5"></circle>').format(
            f"{8 + 124 * (score - low) / span:.1f}", f"{22 - 8 * ordered[:index].count(score):.1f}"
        )
        for index, score in enumerate(ordered)
    ]
    middle = f"{8 + 124 * (mean - low) / span:.1f}"
    svg = Markup(
        '<svg class="spread__plot" viewBox="0 0 140 34" aria-hidden="true" focusable="false">'
        '<line class="spread__scale" x1="8" y1="29" x2="132" y2="29"></line>{}'
        '<line class="spread__mean" x1="{}" y1="4" x2="{}" y2="33"></line></svg>'
    ).format(Markup("").join(dots), middle, middle)
    listed = ", ".join(f"{score:.2f}".rstrip("0").rstrip(".") for score in ordered)
    caption = Markup("Mean {} <span>{}: {}, on a scale from {} to {}</span>").format(
        f"{mean:.2f}", "scores" if len(ordered) > 1 else "one score", listed, _number(low), _number(high)
    )
    return Markup('<figure class="spread">{}<figcaption>{}</figcaption></figure>').format(svg, caption)


def interval(level: float, *, low: float, high: float, plain: float | None) -> Markup:
    """The calibrated mean with its interval, the plain mean as a tick, on the rubric's scale of 1 to 5."""
    bar = Markup('<line class="interval__bar" x1="{}" y1="12" x2="{}" y2="12"></line>').format(
        _on_scale(low), _on_scale(high)
    )
    dot = Markup('<circle class="spread__dot" cx="{}" cy="12" r="4.5"></circle>').format(_on_scale(level))
    tick = Markup('<line class="spread__mean" x1="{0}" y1="3" x2="{0}" y2="21"></line>')
    marks = bar + (tick.format(_on_scale(plain)) if plain is not None else Markup("")) + dot
    return Markup(
        '<figure class="spread interval"><svg class="interval__plot" viewBox="0 0 140 30" aria-hidden="true" '
        'focusable="false"><line class="spread__scale" x1="8" y1="26" x2="132" y2="26"></line>{}</svg>'
        "<figcaption>{} <span>{} to {}</span></figcaption></figure>"
    ).format(marks, f"{level:.2f}", f"{low:.2f}", f"{high:.2f}")


def _on_scale(score: float) -> str:
    return f"{8 + 124 * (min(max(score, 1.0), 5.0) - 1) / 4:.1f}"


def _outlook(known: Sequence[BurnPoint], *, granted: int, starts: date, ends: date) -> Outlook:
    last = known[-1]
    since = [p for p in known if p.day <= last.day - PACE_WINDOW]
    base = since[-1] if since else BurnPoint(starts, granted)
    days = (last.day - base.day).days
    per_day = max((base.remaining - last.remaining) / days, 0.0) if days > 0 else 0.0
    left = last.remaining - per_day * (ends - last.day).days
    if per_day == 0 or left > 0:
        return Outlook(per_day, None, max(left, 0.0))
    return Outlook(per_day, last.day + timedelta(days=int(max(last.remaining, 0) / per_day)), 0.0)


def _burn_summary(
    last: BurnPoint, outlook: Outlook, *, granted: int, ends: date, unit: str, today: date
) -> Markup:
    if granted <= 0:
        return Markup("<strong>No {} have been granted.</strong>").format(unit)
    share = 100 * last.remaining / granted
    now = f"{_number(last.remaining)} of {_number(granted)} {unit} remain ({share:.0f}%)"
    if last.remaining <= 0:
        return Markup("<strong>Used up.</strong> None of {} {} remain.").format(_number(granted), unit)
    if today > ends:
        return Markup("<strong>{}.</strong> The allocation ended on {}.").format(now, _day(ends))
    if outlook.per_day == 0:
        idle = "Nothing has been used yet" if last.remaining >= granted else "Nothing has been used recently"
        return Markup("<strong>{}.</strong> {}. The allocation ends on {}.").format(now, idle, _day(ends))
    if outlook.empty_on is None:
        return Markup("<strong>{}.</strong> At the recent pace about {} will be left at the end, {}.").format(
            now, _number(round(outlook.left_at_end)), _day(ends)
        )
    early = (ends - outlook.empty_on).days
    sooner = f", {early} {'day' if early == 1 else 'days'} before the end" if early > 0 else ""
    return Markup("<strong>{}.</strong> At the recent pace they run out on {}{}.").format(
        now, _day(outlook.empty_on), sooner
    )


def _grid(frame: Frame, granted: int) -> Markup:
    marks = []
    for amount in (0.0, granted / 2, float(granted)):
        y = frame.y(amount)
        marks.append(
            Markup('<line class="chart__grid" x1="0" y1="{}" x2="{}" y2="{}"></line>').format(y, WIDTH, y)
        )
        if amount:
            text = Markup('<text class="chart__text" x="{}" y="{}" text-anchor="end">{}</text>')
            marks.append(text.format(WIDTH, y - 6, _number(amount)))
    ends = Markup('<text class="chart__text" x="{}" y="{}" text-anchor="{}">{}</text>')
    marks.append(ends.format(0, HEIGHT - 10, "start", _day(frame.starts)))
    marks.append(ends.format(WIDTH, HEIGHT - 10, "end", _day(frame.ends)))
    return Markup("").join(marks)


def _today(frame: Frame, today: date) -> Markup:
    if not frame.starts <= today <= frame.ends:
        return Markup("")
    x = frame.x(today)
    anchor = "start" if x < WIDTH * 0.1 else "end" if x > WIDTH * 0.9 else "middle"
    return Markup(
        '<line class="chart__today" x1="{0}" y1="24" x2="{0}" y2="{1}"></line>'
        '<text class="chart__text chart__text--today" x="{0}" y="17" text-anchor="{2}">Today</text>'
    ).format(f"{x:.1f}", FLOOR, anchor)


def _line(kind: str, places: Iterable[str]) -> Markup:
    return Markup('<path class="{}" d="M{}"></path>').format(kind, " L".join(places))


def _area(frame: Frame, known: Sequence[BurnPoint]) -> Markup:
    above = [frame.at(p.day, p.remaining) for p in known]
    return _line("chart__area", [frame.at(known[0].day, 0), *above, frame.at(known[-1].day, 0)])


def _projection(frame: Frame, last: BurnPoint, outlook: Outlook) -> Markup:
    if not _leads_on(last, outlook):
        return Markup("")
    goal = frame.at(outlook.empty_on or frame.ends, outlook.left_at_end)
    return _line("chart__pace", [frame.at(last.day, last.remaining), goal])


def _leads_on(last: BurnPoint, outlook: Outlook) -> bool:
    return outlook.per_day > 0 and last.remaining > 0


def _dot(frame: Frame, last: BurnPoint) -> Markup:
    x, y = frame.at(last.day, last.remaining).split()
    return Markup('<circle class="chart__dot" cx="{}" cy="{}" r="5"></circle>').format(x, y)


def _legend(*, with_pace: bool) -> Markup:
    swatch = Markup(
        '<li><svg viewBox="0 0 28 8" aria-hidden="true" focusable="false">'
        '<path class="chart__{}" d="M0 4 L28 4"></path></svg>{}</li>'
    )
    names = [("line", "Remaining"), ("even", "Even pace")]
    if with_pace:
        names.append(("pace", "At the recent pace"))
    items = Markup("").join(swatch.format(kind, name) for kind, name in names)
    return Markup('<ul class="chart__legend">{}</ul>').format(items)


def _bar(label: str, value: float, note: str, *, longest: float) -> Markup:
    width = f"{100 * max(value, 0) / longest:.2f}" if longest > 0 else "0"
    aside = Markup(' <span class="bars__note">{}</span>').format(note) if note else ""
    return Markup(
        '<li><span class="bars__label">{}{}</span><span class="bars__value">{}</span>'
        '<svg class="bars__bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="bars__fill" width="{}" height="8"></rect></svg></li>'
    ).format(label, aside, _number(value), width)


def _svg(drawing: Markup, label: str) -> Markup:
    return Markup('<svg class="chart__plot" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        f"{WIDTH:.0f}", f"{HEIGHT:.0f}", label, drawing
    )


def _figure(summary: Markup, drawing: Markup, table: Markup, kind: str = "plain") -> Markup:
    return Markup('<figure class="chart chart--{}"><figcaption>{}</figcaption>{}{}</figure>').format(
        kind, summary, drawing, table
    )


def _table(caption: str, headers: Sequence[str], rows: Iterable[Sequence[str]]) -> Markup:
    heads = Markup("").join(Markup('<th scope="col">{}</th>').format(header) for header in headers)
    body = Markup("").join(
        Markup('<tr><th scope="row">{}</th>{}</tr>').format(
            first, Markup("").join(Markup("<td>{}</td>").format(cell) for cell in rest)
        )
        for first, *rest in rows
    )
    return Markup(
        '<details class="chart__numbers"><summary>Show the numbers</summary>'
        '<table><caption class="usa-sr-only">{}</caption>'
        "<thead><tr>{}</tr></thead><tbody>{}</tbody></table></details>"
    ).format(escape(caption), heads, body)


def _even(day: date, granted: int, starts: date, ends: date) -> float:
    span = max((ends - starts).days, 1)
    return round(granted * (1 - min(max((day - starts).days / span, 0.0), 1.0)))


def _number(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
