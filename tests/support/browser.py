"""Pages in a headless Chromium: what they report, and what three.js makes of a GLB."""

from __future__ import annotations

import base64
import json
import queue
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

JS_FOLDER = Path(__file__).parents[1] / "js"
_FLAGS = (
    "--headless", "--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
    "--disable-gpu-sandbox", "--disable-dev-shm-usage", "--no-first-run",
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


class PageHandler(SimpleHTTPRequestHandler):
    """Serves files and what subclasses add; takes the page's report, a POST to any path."""

    def __init__(self, *args: Any, reports: queue.Queue[bytes], **rest: Any) -> None:
        self._reports = reports
        super().__init__(*args, **rest)

    def do_POST(self) -> None:
        self._reports.put(self.rfile.read(int(self.headers["Content-Length"])))
        self.answer("text/plain", b"")

    def answer(self, kind: str, content: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        """Quiet."""


def reported(
    handler: Callable[..., PageHandler], page: str, folder: Path, window: tuple[int, int]
) -> dict[str, Any]:
    """What the page reports that a headless Chromium opens.

    `handler` takes `reports=` beside what a request handler takes; `folder` is for the browser's
    data; `window` is its width and height. Raises AssertionError when the report tells of an
    error, and when none comes.
    """
    reports: queue.Queue[bytes] = queue.Queue()
    log = folder / "chromium.log"
    with _serving(partial(handler, reports=reports)) as address, log.open("wb") as told:
        command = [
            str(chromium()), *_FLAGS, "--window-size={},{}".format(*window),
            f"--user-data-dir={folder / 'browser'}", f"{address}/{page}",
        ]  # fmt: skip
        browser = subprocess.Popen(command, stdout=told, stderr=told)
        try:
            report: dict[str, Any] = json.loads(reports.get(timeout=120))
        except queue.Empty:
            raise AssertionError(f"the page gave no report: {log.read_text()[-2000:]}") from None
        finally:
            browser.terminate()
            try:
                browser.wait(20)
            except subprocess.TimeoutExpired:
                browser.kill()
                browser.wait()
    if "error" in report:
        raise AssertionError(f"the page: {report['error']}")
    return report


@contextmanager
def _serving(handler: Callable[..., PageHandler]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _ModelHandler(PageHandler):
    """Serves the test folder and the one model."""

    def __init__(self, *args: Any, model: bytes, **rest: Any) -> None:
        self._model = model
        super().__init__(*args, **rest)

    def do_GET(self) -> None:
        if urlsplit(self.path).path == "/model.glb":
            self.answer("model/gltf-binary", self._model)
        else:
            super().do_GET()


def open_in_three(
    glb: bytes, profile: Path, shapes: tuple[str, ...] = (), keep: str = "", time_s: float = 0.0
) -> tuple[dict[str, Any], bytes]:
    """(what tests/js/three_page.html reports, PNG of what it drew).

    `shapes` are set to 1 one after another and the changed pixels counted; `keep` stays in the
    image. Animations are posed at `time_s`. `profile` is a folder for the browser's data.
    """
    query = {"file": "/model.glb", "shapes": ",".join(shapes), "keep": keep, "time": time_s}
    handler = partial(_ModelHandler, directory=str(JS_FOLDER), model=glb)
    report = reported(handler, f"three_page.html?{urlencode(query)}", profile, (400, 420))
    return report, base64.b64decode(report.pop("image").partition(",")[2])
