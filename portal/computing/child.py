"""`python -m portal.computing.child`: reads one job as JSON, writes its result; knows no database."""

import json
import sys
from typing import Any

from allocations.programme.jobs import COMPUTE
from allocations.programme.runs import RunKind, Unsolvable


def main() -> None:
    job = json.load(sys.stdin)
    try:
        answer: dict[str, Any] = {"result": COMPUTE[RunKind(job["kind"])](job["inputs"], job["seed"])}
    except Unsolvable as why:
        answer = {"message": str(why), "parts": why.parts}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
