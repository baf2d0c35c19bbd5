"""`make bench`: run all measurements."""

import tempfile
from pathlib import Path

from benchmarks import clusters, pages


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        pages.run(Path(folder) / "pages")
        clusters.run(Path(folder) / "clusters")


if __name__ == "__main__":
    main()
