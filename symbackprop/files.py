"""Files: how one is called, and written whole or not at all, so that a full disk or Ctrl-C leaves what was there."""

from __future__ import annotations

import codecs
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


def decoded(raw: bytes) -> str:
    """Return the text of a file as programs save it: UTF-8, with or without a mark at its start, UTF-16, or in Chinese GB 18030.

    Raises UnicodeDecodeError for any other: `M\\xfcller` could be read as Chinese, but nobody writes that.
    """
    if raw[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return raw.decode("utf-16")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("gb18030", errors="replace")
        foreign = [letter for letter in text if not letter.isascii()]
        if sum(map(_is_common_chinese, foreign)) * 2 <= len(foreign) or "\ufffd" in text:
            raise
        return text


def _is_common_chinese(letter: str) -> bool:
    try:
        return bool(letter.encode("gb2312"))
    except UnicodeEncodeError:
        return False


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
