"""Running the same thing in many threads at once, and what became of each."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

Result = TypeVar("Result")


def at_once(count: int, work: Callable[[int], Result]) -> list[Result | Exception]:
    """`work(0)` to `work(count - 1)`, all let go at the same moment; results or exceptions in order."""
    ready = Barrier(count, timeout=60)

    def run(number: int) -> Result | Exception:
        ready.wait()
        try:
            return work(number)
        except Exception as error:
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))
