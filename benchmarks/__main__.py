"""`make bench`: run all measurements, or those that are named."""

import argparse
import tempfile
from pathlib import Path

from benchmarks import bidding, clusters, laptop, matching, mixing, pages, selection

NAMES = ("laptop", "pages", "clusters", "matching", "bidding", "mixing", "selection")


def main() -> None:
    asked = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    asked.add_argument("names", nargs="*", help=f"which of {', '.join(NAMES)}; all if none is named")
    asked.add_argument("--large", action="store_true", help="also the sizes that take minutes")
    asked.add_argument("--bound", action="store_true", help="also bounds by linear programmes")
    given = asked.parse_args()
    unknown = set(given.names) - set(NAMES)
    if unknown:
        asked.error(f"there is no measurement called {', '.join(sorted(unknown))}")
    names = given.names or NAMES
    with tempfile.TemporaryDirectory() as folder:
        if "laptop" in names:
            laptop.run(Path(folder) / "laptop")
        if "pages" in names:
            pages.run(Path(folder) / "pages")
        if "clusters" in names:
            clusters.run(Path(folder) / "clusters")
    if "matching" in names:
        matching.run(large=given.large, bound=given.bound)
    if "bidding" in names:
        bidding.run()
    if "mixing" in names:
        mixing.run()
    if "selection" in names:
        selection.run()


if __name__ == "__main__":
    main()
