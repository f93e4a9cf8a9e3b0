"""The report on a document: `ProofreadReport`, what was found with the ways of showing it."""

from __future__ import annotations

import json

from symbackprop.proofreading.annotated_page import annotated_page
from symbackprop.proofreading.claims import DocumentVerdicts
from symbackprop.proofreading.report_text import as_data, as_markdown, as_text


class ProofreadReport(DocumentVerdicts):
    """What proof-reading found. `ok`: nothing differs and nothing is malformed; `complete`: every `=` was read and decided."""

    __slots__ = ()

    def text(self, everything: bool = False) -> str:
        """Return the report as lines; `everything`: also what holds."""
        return as_text(self, everything)

    def to_json(self) -> str:
        """Return the report for programs."""
        return json.dumps(as_data(self), ensure_ascii=False, indent=2)

    def to_markdown(self, everything: bool = False) -> str:
        """Return the report in Markdown."""
        return as_markdown(self, everything)

    def to_html(self) -> str:
        """Return the document as a page with the verdict beside each formula."""
        return annotated_page(self)

    def __str__(self) -> str:
        return self.text()
