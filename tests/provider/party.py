"""npm openid-client in a process of its own: certified, and written by people who never saw the portal."""

import itertools
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.federation import certified

SOURCE = Path(__file__).parent / "client"


class Failed(Exception):
    """What the client threw: `error` is the provider's word for it, `code` the client's own."""

    def __init__(self, told: dict[str, Any]) -> None:
        super().__init__(told.get("message"))
        self.error, self.code, self.status = told.get("error"), told.get("code"), told.get("status")


@dataclass
class Party:
    """The program; each name stands for one configured client in it."""

    process: "subprocess.Popen[str]"
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def do(self, what: str, **given: Any) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        number = next(self.numbers)
        self.process.stdin.write(json.dumps({"id": number, "do": what, "with": given}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert answer["id"] == number
        if "failed" in answer:
            raise Failed(answer["failed"])
        return answer["ok"]


@contextmanager
def running() -> Iterator[Party]:
    folder = certified.install(SOURCE, "client.mjs")
    with subprocess.Popen(
        [certified.node(), str(folder / "client.mjs")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Party(process)
        finally:
            process.kill()
