"""Pages that are compiled once, for all portals of this process."""

import atexit
import functools
import tempfile

from flask import Flask
from jinja2 import FileSystemBytecodeCache


def shared(app: Flask) -> Flask:
    """The same application, which takes its compiled templates from a common folder."""
    app.jinja_env.bytecode_cache = FileSystemBytecodeCache(_folder())
    return app


@functools.cache
def _folder() -> str:
    folder = tempfile.TemporaryDirectory(prefix="templates-")
    atexit.register(folder.cleanup)
    return folder.name
