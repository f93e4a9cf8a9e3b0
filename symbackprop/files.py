"""Files: how one is called, and written whole or not at all, so that a full disk or Ctrl-C leaves what was there."""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
from pathlib import Path

from symbackprop.errors import UserError


def short_name(filename: str) -> str:
    """Return a file's name without its folders; of a notebook's cell what stands beside it, `In[3]`."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    named = getattr(getattr(shell, "compile", None), "format_code_name", lambda name: None)(filename)
    return str(named[1]) if named else filename.replace("\\", "/").rpartition("/")[2]


def write_file(path: Path, content: str | bytes) -> None:
    """Write a file under another name beside it, and move it into its place; devices and pipes are written to directly.

    Raises UserError with the reason; then the file is as it was.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    target = Path(os.path.realpath(path))
    part = target.with_name(f".{secrets.token_hex(6)}.part")
    try:
        if target.exists() and not target.is_file():
            with target.open("wb", buffering=0) as file:
                file.write(data)
            return
        with part.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            part.chmod(target.stat().st_mode & 0o7777)
        part.replace(target)
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror or error}") from None
    finally:
        with contextlib.suppress(OSError):
            part.unlink()
