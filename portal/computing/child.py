"""`python -m portal.computing.child`: reads one job as JSON, writes its result; knows no database."""

import json
import sys
from typing import Any

from allocations.programme.jobs import COMPUTE
from allocations.programme.runs import RunKind, Unsolvable


def answered(job: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"result": COMPUTE[RunKind(job["kind"])](job["inputs"], job["seed"])}
    except Unsolvable as why:
        return {"message": str(why), "parts": why.parts}


def main() -> None:
    json.dump(answered(json.load(sys.stdin)), sys.stdout)


if __name__ == "__main__":
    main()
