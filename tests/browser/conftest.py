"""A real browser for the tests: Chromium without a window, driven by Playwright.

Whoever tests a page takes `visit` (or `visits`, for a page that serves several tests): it opens
one, writes down every message of the console and every request, and at the end fails if there was
an error, or a request that left this machine. `axe_violations` asks axe-core for what a reader with
a screen reader would run into. `lab` is a JupyterLab that serves a folder.

Tests that need what is not there are skipped, and say so. What they need:

    a browser    apt-get install chromium          (or CHROMIUM=path; chromium-headless-shell,
                                                   without windows, opens pages in half the time)
    Playwright   pip install playwright            (in the extra `test`; without its own browsers)
    axe-core     npm install --no-save --prefix build/axe axe-core@4      (or AXE_CORE=path)
    JupyterLab   pip install jupyterlab            (in the extra `notebooks`)
"""

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).parents[2]
AXE = Path(os.environ.get("AXE_CORE", ROOT / "build/axe/node_modules/axe-core/axe.min.js"))
LOCAL = ("file", "data", "blob", "about")

# A telephone and a desk always; a tablet and a wide screen on request.
WIDTHS = (390, 1280, *(pytest.param(width, marks=pytest.mark.long) for width in (768, 1920)))


@dataclass
class Visit:
    """A page that was opened, and what it said and asked for meanwhile."""

    page: Any
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def foreign_requests(self) -> list[str]:
        """Returns the requests that left this machine, or would have."""
        return [
            url
            for url in self.requests
            if urlsplit(url).scheme not in LOCAL and urlsplit(url).hostname != "127.0.0.1"
        ]


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium; the tests that need it are skipped where there is none."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if program is None:
        pytest.skip("no browser on this machine: apt-get install chromium, or set CHROMIUM")
    playwright = pytest.importorskip(
        "playwright.sync_api", reason='no Playwright: pip install "micrograd-notes[test]"'
    )
    with playwright.sync_playwright() as driver:
        # As root, as in a container, Chromium runs only without its sandbox.
        is_root = hasattr(os, "geteuid") and os.geteuid() == 0
        arguments = ["--no-sandbox"] if is_root else []
        chromium = driver.chromium.launch(executable_path=program, args=arguments)
        yield chromium
        chromium.close()


@contextmanager
def visits(browser: Any) -> Iterator[Callable[..., Visit]]:
    """Opens pages, and fails if one of them had an error or asked for something from outside.

    visit(path or URL, width=1100, dark=False, offline=True, **further options of the context)
    """
    opened: list[tuple[Any, Visit]] = []

    def open_page(
        address: str | Path,
        width: int = 1100,
        dark: bool = False,
        offline: bool = True,
        **more: Any,
    ) -> Visit:
        options = {"reduced_motion": "reduce", **more}
        context = browser.new_context(
            viewport={"width": width, "height": 800},
            color_scheme="dark" if dark else "light",
            offline=offline,
            **options,
        )
        context.set_default_timeout(60_000)  # on a busy machine a page opens slowly
        visit = Visit(context.new_page())
        opened.append((context, visit))
        visit.page.on("pageerror", lambda error: visit.errors.append(str(error)))
        visit.page.on(
            "console",
            lambda said: visit.errors.append(said.text) if said.type == "error" else None,
        )
        visit.page.on("request", lambda request: visit.requests.append(request.url))
        visit.page.goto(address.as_uri() if isinstance(address, Path) else address)
        return visit

    yield open_page
    for context, visit in opened:
        context.close()
        assert visit.errors == []
        assert visit.foreign_requests() == []


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Visit]]:
    """Opens the pages of one test: see `visits`."""
    with visits(browser) as open_page:
        yield open_page


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The course as it is committed, as a web site, built once per run.

    With `pytest -n` it is shared: the worker that first needs it builds it, and others wait.
    """
    fcntl: Any = pytest.importorskip("fcntl", reason="the lock of the shared site is POSIX's")
    from micrograd_notes.course.site import build_course

    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # that of the whole run
    with (folder / "course.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "course").exists():  # it comes there whole, by a rename
            build_course(folder / "course", ROOT / "notebooks")
    return folder / "course"


@pytest.fixture(scope="session")
def axe_violations() -> Callable[..., list[str]]:
    """A function from a page to what axe-core finds wrong with it, one line a rule and place.

    Most of its time goes into the contrast of colours, which can be left out.
    """
    if not AXE.exists():
        pytest.skip(f"no axe-core at {AXE}: npm install --no-save --prefix build/axe axe-core@4")
    script = AXE.read_text(encoding="utf-8")

    def violations(page: Any, contrast: bool = True) -> list[str]:
        if not page.evaluate("'axe' in window"):
            page.evaluate(script)
        # All results, with the source of every place that is right, take longer to be carried from
        # the browser than to be found.
        found = page.evaluate(
            "enabled => axe.run({rules: {'color-contrast': {enabled}}}).then(it => it.violations)",
            contrast,
        )
        return [
            f"{rule['id']}: {rule['help']}: {node['target']} {node.get('failureSummary', '')}"
            for rule in found
            for node in rule["nodes"]
        ]

    return violations


@dataclass(frozen=True)
class Lab:
    """A JupyterLab on this machine."""

    folder: Path
    address: str
    data: Path
    """Where Jupyter keeps which notebooks are trusted."""

    def trust(self, notebook: Any) -> None:
        """Signs a notebook, as JupyterLab does for one that its reader has run."""
        sign = pytest.importorskip("nbformat.sign")
        notary = sign.NotebookNotary(data_dir=str(self.data))
        notary.sign(notebook)
        notary.store.close()  # Python 3.13 warns of a database that is left open

    def url(self, notebook: str) -> str:
        """Returns where a notebook of the folder is opened, in a workspace of its own."""
        return f"{self.address}/lab/workspaces/{Path(notebook).stem}/tree/{notebook}?reset"


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A running JupyterLab, which serves an empty folder."""
    if importlib.util.find_spec("jupyterlab") is None:
        pytest.skip('no JupyterLab: pip install "micrograd-notes[notebooks]"')
    home = tmp_path_factory.mktemp("jupyter")
    folder = home / "notebooks"
    folder.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data = home / "data"
    settings = {f"JUPYTER_{name}_DIR": str(home / name.lower()) for name in ("CONFIG", "RUNTIME")}
    environment = os.environ | settings | {"JUPYTER_DATA_DIR": str(data), "HOME": str(home)}
    options = [
        f"--ServerApp.root_dir={folder}",
        f"--ServerApp.port={port}",
        "--ServerApp.ip=127.0.0.1",
        "--ServerApp.open_browser=False",
        "--ServerApp.allow_root=True",
        "--IdentityProvider.token=",
        "--LabApp.extension_manager=readonly",
        "--LabApp.news_url=",  # else the server asks the network for news
    ]
    with open(home / "log", "wb") as log:
        command = [sys.executable, "-m", "jupyterlab", *options]
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_until_it_answers(f"{address}/api", server, home / "log")
            yield Lab(folder, address, data)
        finally:
            server.terminate()
            try:
                server.wait(timeout=20)
            except subprocess.TimeoutExpired:  # a kernel that is just starting holds it up
                server.kill()
                server.wait()


def _wait_until_it_answers(url: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(1200):  # two minutes, on a busy machine
        if server.poll() is not None:
            break
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"JupyterLab did not start:\n{log.read_text(errors='replace')[-2000:]}")
