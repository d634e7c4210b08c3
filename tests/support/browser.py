"""A GLB in three.js, in a headless Chromium: what the loader made of it, and a picture."""

from __future__ import annotations

import base64
import html
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

JS_FOLDER = Path(__file__).parents[1] / "js"
_FLAGS = (
    "--headless", "--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
    "--disable-gpu-sandbox", "--disable-dev-shm-usage", "--no-first-run", "--window-size=400,420",
    "--virtual-time-budget=20000", "--dump-dom",
)  # fmt: skip


def chromium() -> str | None:
    """The browser's command, or None."""
    return next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )


def missing_for_three() -> str | None:
    """Why three.js cannot be tried here; None if it can."""
    if not (JS_FOLDER / "node_modules" / "three").is_dir():
        return "three is not installed (npm ci in tests/js)"
    return None if chromium() else "there is no chromium (apt-get install chromium)"


class _Handler(SimpleHTTPRequestHandler):
    """Serves the test folder, and the one model under /model.glb."""

    def __init__(self, *args: Any, model: bytes, **kwargs: Any) -> None:
        self._model = model
        super().__init__(*args, **kwargs)

    def do_GET(self) -> None:
        if urlsplit(self.path).path != "/model.glb":
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "model/gltf-binary")
        self.send_header("Content-Length", str(len(self._model)))
        self.end_headers()
        self.wfile.write(self._model)

    def log_message(self, *args: object) -> None:
        """Quiet."""


@contextmanager
def _serving(model: bytes) -> Iterator[str]:
    handler = partial(_Handler, directory=str(JS_FOLDER), model=model)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def open_in_three(
    glb: bytes, profile: Path, shapes: tuple[str, ...] = (), keep: str = "", time_s: float = 0.0
) -> tuple[dict[str, Any], bytes]:
    """(what tests/js/three_page.html reports, PNG of what it drew).

    `shapes` are set to 1 one after another and the changed pixels counted; `keep` stays in the
    picture. Animations are posed at `time_s`. `profile` is an empty folder for the browser's data.
    """
    query = {"file": "/model.glb", "shapes": ",".join(shapes), "keep": keep, "time": time_s}
    with _serving(glb) as address:
        url = f"{address}/three_page.html?{urlencode(query)}"
        command = [str(chromium()), *_FLAGS, f"--user-data-dir={profile}", url]
        done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    found = re.search(r'<pre id="report">(.*?)</pre>', done.stdout, re.DOTALL)
    if found is None or not found[1]:
        raise AssertionError(f"the page gave no report: {done.stdout[-500:]} {done.stderr[-2000:]}")
    report = json.loads(html.unescape(found[1]))
    if "error" in report:
        raise AssertionError(f"three.js: {report['error']}")
    return report, base64.b64decode(report.pop("image").partition(",")[2])
