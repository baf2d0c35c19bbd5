"""Rows of a form that people add, move and remove with plain buttons; fields are `question_3_label`."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from allocations.kernel.errors import Invalid
from portal.forms import Form

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Rows:
    """One kind of row: its fields, how many there can be, and what a new one begins with."""

    name: str
    fields: tuple[str, ...]
    most: int
    new: Row = field(default_factory=dict)

    def read(self, form: Form) -> list[Row]:
        """In the order of their numbers; one more than there can be is enough to refuse them."""
        shape = re.compile(rf"{self.name}_(\d{{1,3}})_({'|'.join(self.fields)})", re.ASCII)
        found: dict[int, Row] = {}
        for name, value in form.values.items():
            if match := shape.fullmatch(name):
                row = found.setdefault(int(match[1]), dict.fromkeys(self.fields, ""))
                row[match[2]] = str(value)
        return [found[number] for number in sorted(found)][: self.most + 1]

    def write(self, form: Form, rows: Sequence[Row]) -> None:
        """Instead of those that are there, numbered from 0."""
        for name in [name for name in form.values if name.startswith(f"{self.name}_")]:
            del form.values[name]
        for place, row in enumerate(rows):
            form.values |= {f"{self.name}_{place}_{part}": row.get(part, "") for part in self.fields}
        form.values[f"{self.name}_rows"] = len(rows)

    def tidy(self, form: Form, *, is_blank: Callable[[Row], bool]) -> list[Row]:
        """Before saving: empty rows go, so that the numbers are those of what is saved."""
        kept = [row for row in self.read(form) if not is_blank(row)]
        self.write(form, kept)
        if len(kept) > self.most:
            raise Invalid({"_form": f"There can be at most {self.most} of these."})
        return kept

    def rearrange(self, form: Form, wanted: str) -> None:
        """`add`, or `up-3`, `down-3`, `remove-3`; anything else leaves them as they are."""
        rows, (what, _, number) = self.read(form), wanted.partition("-")
        place = int(number) if number.isascii() and number.isdecimal() and len(number) < 4 else -1
        if what == "add" and len(rows) < self.most:
            rows.append({**dict.fromkeys(self.fields, ""), **self.new})
        elif what == "remove" and 0 <= place < len(rows):
            del rows[place]
        elif what == "up" and 0 < place < len(rows):
            rows.insert(place - 1, rows.pop(place))
        elif what == "down" and 0 <= place < len(rows) - 1:
            rows.insert(place + 1, rows.pop(place))
        self.write(form, rows)
