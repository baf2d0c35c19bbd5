"""`python -m portal.reference`: the pages of docs/reference, written from the code; `--check` compares."""

import argparse
import ast
import inspect
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.routing import Rule

from allocations.kernel import events
from allocations.kernel.db import Base
from k8s import namespaces, notebooks
from portal import settings, wiring
from portal.app import create_app
from portal.permissions import GETTERS, PUBLIC, RULES, Permission
from portal.settings import PREFIX, Settings

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "reference"
PACKAGES = ("portal", "k8s", "datasets", "allocations")
NOTE = "Written by `make docs` from the code; change the code, not this page."
PHASES = (
    ("Namespace", namespaces.Phase, "what is wanted of a project's namespace and what the cluster shows"),
    ("Notebook", notebooks.Phase, "whether it is wanted and what its pod shows"),
)


def _page(title: str, *parts: str) -> str:
    return "\n\n".join([f"# {title}", NOTE, *parts]) + "\n"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [" | ".join(heads), " | ".join("---" for _ in heads)]
    lines += [" | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)


def _first_line(thing: Any) -> str:
    return (inspect.getdoc(thing) or "").split("\n\n")[0].replace("\n", " ")


def _ours(thing: Any) -> bool:
    """Tests declare rows and events of their own; they are no part of the reference."""
    return str(thing.__module__).split(".")[0] in PACKAGES


def settings_page() -> str:
    names = {entry.name: f"{PREFIX}{entry.name.upper()}" for entry in fields(Settings)}
    rows = [
        (f"`{names[entry.name]}`", f"`{entry.default}`" if entry.default != "" else "", entry.metadata["doc"])
        for entry in fields(Settings)
    ]
    unsafe = Settings(mode="production", debug=True, trusted_hosts="*")
    refused = "\n".join(f"* {problem}" for problem in settings.problems(unsafe))
    return _page(
        "Settings",
        f"Environment variables, read once at start. A name that begins with `{PREFIX}` and is not listed "
        "here stops the start: it is a slip of the pen more often than not.",
        _table(("Name", "Default", "Meaning"), rows),
        "## What production refuses",
        f"With `{PREFIX}MODE=production` the portal does not start while one of these holds:",
        refused,
    )


def _routes(app: Flask) -> list[tuple[Rule, Permission]]:
    """Every route but static files with its permission, by address."""
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint != "static"]
    rules.sort(key=lambda rule: (rule.rule, sorted(rule.methods or ())))
    views: dict[str, Any] = app.view_functions
    return [(rule, views[rule.endpoint].permission) for rule in rules]


def _methods(rule: Rule) -> str:
    return ", ".join(sorted(set(rule.methods or ()) - {"HEAD", "OPTIONS"}))


def permissions_page(app: Flask) -> str:
    routes: dict[str, list[str]] = {}
    for rule, permission in _routes(app):
        routes.setdefault(permission.name, []).append(f"`{_methods(rule)} {rule.rule}`")
    rules = [
        (
            f"`{name}`",
            f"`{rule.__module__}.{rule.__name__}`",
            _first_line(rule),
            ", ".join(routes.get(name, ())),
        )
        for name, rule in sorted(RULES.items())
    ]
    getters = [(f"`{name}`", who, ", ".join(routes.get(name, ()))) for name, who in sorted(GETTERS.items())]
    return _page(
        "Permissions",
        "A rule answers yes, or no with the reason that people read. It stands beside its noun.",
        _table(("Permission", "Rule", "Note", "Routes"), rules),
        "## What a getter decides",
        "Whoever is logged in may ask; these see something.",
        _table(("Permission", "Who", "Routes"), getters),
    )


def states_page() -> str:
    movable = [mapper.class_ for mapper in Base.registry.mappers if hasattr(mapper.class_, "MOVES")]
    movable = [model for model in movable if _ours(model)]
    parts = []
    for model in sorted(movable, key=lambda found: str(found.NOUN)):
        words = list(model.__table__.c.state.type.enum_class)
        rows = [(f"`{word}`", _listed(model.MOVES.get(word, ()), words)) for word in words]
        title = str(model.NOUN).replace("_", " ").capitalize()
        parts += [f"## {title}", f"`{model.__module__}`", _table(("From", "To"), rows)]
    for noun, phases, computed in PHASES:
        listed = ", ".join(f"`{phase}`" for phase in phases)
        parts += [
            f"## Phases of a {noun.lower()}",
            f"Nobody moves these; computed from {computed}: {listed}.",
        ]
    return _page("States", "People move these, along the tables only.", *parts)


def _listed(following: Iterable[Any], order: Sequence[Any]) -> str:
    return ", ".join(f"`{word}`" for word in order if word in set(following)) or "final"


def events_page() -> str:
    handlers = wiring.table()
    rows = []
    known = {name: event for name, event in events.known().items() if _ours(event)}
    for name, event in sorted(known.items()):
        held = ", ".join(f"`{entry.name}`" for entry in fields(event))
        acting = ", ".join(f"`{handler}`" for handler in handlers.get(name, ()))
        rows.append((f"`{name}`", held, f"`{event.__module__}`", acting or "nobody yet"))
    functions = [(f"`{name}`", _first_line(handler)) for name, handler in sorted(wiring.BY_NAME.items())]
    return _page(
        "Events",
        "Facts in the past tense. Each is written in the transaction of the verb that made it true; the "
        "worker then runs its handlers, each in a transaction of its own, until it succeeds or is stuck.",
        _table(("Event", "Fields", "Said in", "Handlers"), rows),
        "## Handlers",
        _table(("Handler", "Note"), functions),
    )


def routes_page(app: Flask) -> str:
    views: dict[str, Any] = app.view_functions
    rows = []
    for rule, permission in _routes(app):
        keys = ", ".join(f"`{key}`" for key in sorted(getattr(views[rule.endpoint], "query_keys", ())))
        named = permission.name == PUBLIC.name
        needed = permission.name if named else f"`{permission.name}`"
        needed += ", no cookies" if permission.machine else ""
        rows.append((f"`{rule.rule}`", _methods(rule), needed, keys, _first_line(views[rule.endpoint])))
    return _page(
        "Routes",
        "Every address of the portal, the permission it names, and the query keys it knows.",
        _table(("Address", "Methods", "Permission", "Query keys", "Note"), rows),
    )


def modules_page() -> str:
    """Read as text, so that nothing is loaded for it."""
    files = sorted(path for name in PACKAGES for path in (ROOT / name).rglob("*.py"))
    held: dict[Path, list[tuple[str, str]]] = {}
    for path in files:
        sentence = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        line = " ".join(sentence.split("\n\n")[0].split())
        held.setdefault(path.parent.relative_to(ROOT), []).append((f"`{path.stem}`", line))
    parts = []
    for folder, rows in sorted(held.items()):
        about = "".join(line for name, line in rows if name == "`__init__`")
        inside = [row for row in rows if row[0] != "`__init__`"]
        parts += [f"## {folder.as_posix()}", about]
        parts += [_table(("Module", "What is in it"), inside)] if inside else []
    return _page("Modules", "What each module is for, in its own first sentence.", *filter(None, parts))


def pages() -> dict[str, str]:
    """File name -> text."""
    app = create_app(Settings(mode="test", database_url="sqlite://"))
    makers: dict[str, Callable[[], str]] = {
        "settings.md": settings_page,
        "permissions.md": lambda: permissions_page(app),
        "states.md": states_page,
        "events.md": events_page,
        "routes.md": lambda: routes_page(app),
        "modules.md": modules_page,
    }
    return {name: make() for name, make in makers.items()}


def stale() -> list[str]:
    """The pages that are not what the code says now."""
    found = pages()
    return [name for name, text in found.items() if _kept(name) != text]


def _kept(name: str) -> str:
    path = FOLDER / name
    return path.read_text(encoding="utf-8") if path.exists() else ""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m portal.reference", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; end with 1 when a page is stale")
    if parser.parse_args().check:
        old = stale()
        for name in old:
            print(f"docs/reference/{name} is stale: run `make docs`.")
        return 1 if old else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
