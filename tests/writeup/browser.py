"""Run a page in headless Chromium with a script of the test at its end, and return what the script wrote."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from html import unescape
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-extensions", "--virtual-time-budget=4000",
    "--window-size=1000,900",
)  # fmt: skip

_BEFORE = """<script>
window.problems = [];
window.addEventListener("error", (event) => window.problems.push(String(event.message || event.target.src)), true);
console.error = (...what) => window.problems.push(what.join(" "));
</script>"""
_AFTER = """<script>
(async function () {
  const result = {};
  await Promise.all(Array.from(document.fonts, (face) => face.load()));  // what is measured is measured in the page's own faces
  await document.fonts.ready;
  try { (function () { SCRIPT })(); } catch (error) { result.thrown = String(error); }
  result.problems = window.problems;
  const place = document.createElement("pre");
  place.id = "result-of-test";
  place.textContent = JSON.stringify(result);
  document.body.appendChild(place);
})();
</script>"""


def run(page: str, script: str, *flags: str) -> dict[str, Any]:
    """Return the object `result` that the script filled, with the page's errors under "problems"."""
    text = page.replace("<head>", "<head>" + _BEFORE, 1).replace("</body>", _AFTER.replace("SCRIPT", script) + "</body>")
    found = re.search(r'<pre id="result-of-test">(.*?)</pre>', dump(text, *flags), re.DOTALL)
    assert found, "the page's script did not come to its end"
    result: dict[str, Any] = json.loads(unescape(found[1]))
    return result


def run_narrow(page: str, script: str, width: int) -> dict[str, Any]:
    """Return the same of a page in a frame so many pixels wide: no window is as narrow as a phone."""
    inner = page.replace("<head>", "<head>" + _BEFORE, 1).replace("</body>", _AFTER.replace("SCRIPT", script) + "</body>")
    outer = _FRAME.replace("WIDTH", str(width)).replace("PAGE", json.dumps(inner).replace("</", "<\\/"))
    found = re.search(r'<pre id="result-of-test">(.*?)</pre>', dump(outer), re.DOTALL)
    assert found, "the page's script did not come to its end"
    result: dict[str, Any] = json.loads(unescape(found[1]))
    return result


_FRAME = """<!DOCTYPE html><html><head></head><body style="margin: 0">
<iframe style="border: 0; width: WIDTHpx; height: 800px"></iframe>
<script>
const frame = document.querySelector("iframe");
const waiting = setInterval(() => {
  const found = frame.contentDocument && frame.contentDocument.getElementById("result-of-test");
  if (found) { clearInterval(waiting); document.body.appendChild(document.importNode(found, true)); }
}, 20);
frame.srcdoc = PAGE;
</script></body></html>"""


def dump(page: str, *flags: str) -> str:
    """Return the document as Chromium has it after running the page."""
    return _chromium(page, "--dump-dom", *flags)


def print_pdf(page: str, target: Path) -> None:
    """Print the page to a PDF as a user's browser would."""
    _chromium(page, f"--print-to-pdf={target}", "--no-pdf-header-footer")


def _chromium(page: str, *flags: str) -> str:
    assert CHROMIUM is not None
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "page.html"
        file.write_text(page, encoding="utf-8")
        done = subprocess.run(
            [CHROMIUM, *FLAGS, f"--user-data-dir={folder}/profile", *flags, file.as_uri()],
            capture_output=True, text=True, timeout=90, check=False,
        )  # fmt: skip
    return done.stdout
