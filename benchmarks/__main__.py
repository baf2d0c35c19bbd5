"""`make bench`: run all measurements, or only those named: `python -m benchmarks selection`."""

import sys
import tempfile
from pathlib import Path

from benchmarks import clusters, pages, selection


def main(wanted: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        runs = {
            "pages": lambda: pages.run(Path(folder) / "pages"),
            "clusters": lambda: clusters.run(Path(folder) / "clusters"),
            "selection": selection.run,
        }
        for name in wanted or runs:
            runs[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
