"""For MkDocs: blocks of a page that are commands of symbackprop, run when the site is built (`plugins: [symbackprop]`).

```symbackprop
derive network.py w1 --steps standard
```

```symbackprop differs
check network.py hand.py
```
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.plugins import BasePlugin

from symbackprop.book.mkdocs_blocks import with_blocks
from symbackprop.book.pieces import verified
from symbackprop.errors import GuestError, SymbackpropError


class SymbackpropPlugin(BasePlugin):  # type: ignore[misc]
    """Puts what the commands make in the place of the blocks, and has the marked parts of every page derived again."""

    def on_page_markdown(self, markdown: str, page: Any, **_: Any) -> str:
        """Return a page with its blocks worked out. Raises PluginError, which ends the building, where one does not hold."""
        file = Path(page.file.abs_src_path)
        try:
            verified(file, markdown)
            return with_blocks(markdown, file)
        except (SymbackpropError, GuestError) as error:
            raise PluginError(f"{file}: {error}") from None
