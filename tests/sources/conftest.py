"""A registry, a cache and a web server of a test's own."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from selfsown.settings import settings

ROOT = Path(__file__).parents[2]


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def setting(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Sets SELFSOWN_* variables; None removes one."""

    def change(**values: object) -> None:
        for name, value in values.items():
            if value is None:
                monkeypatch.delenv(f"SELFSOWN_{name.upper()}", raising=False)
            else:
                monkeypatch.setenv(f"SELFSOWN_{name.upper()}", str(value))
        settings.cache_clear()

    yield change
    settings.cache_clear()


@pytest.fixture
def registry(tmp_path: Path, setting: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Writes `conf/sources.yaml` into a fresh working folder with a fresh cache and no mirror."""
    setting(cache=tmp_path / "cache", mirror=None, offline=None)
    monkeypatch.chdir(tmp_path)

    def write(**sources: dict[str, Any]) -> Path:
        said = {"version": "1", "licence": "CC0-1.0", "citation": "a test"}
        path = tmp_path / "conf" / "sources.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump({name: said | entry for name, entry in sources.items()}), encoding="utf-8")
        return path

    return write


@dataclass
class Site:
    """A web server on the loopback interface. `bodies` are served whole, `cut` ones end halfway."""

    url: str = ""
    bodies: dict[str, bytes] = field(default_factory=dict)
    cut: set[str] = field(default_factory=set)
    requests: list[str] = field(default_factory=list)
    slow: threading.Event | None = None
    """If set, a body stops halfway until the event."""
    halfway: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def site() -> Iterator[Site]:
    state = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.requests.append(self.path)
            body = state.bodies.get(self.path)
            if body is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Type", "text/html" if self.path.endswith("/") else "application/octet-stream")
            self.send_header("ETag", f'"{sha256(body)}"')
            self.send_header("X-Repo-Commit", "a" * 40)
            self.end_headers()
            if self.command == "HEAD":
                return
            self.wfile.write(body[: len(body) // 2])
            if self.path in state.cut:
                self.close_connection = True
                return
            if state.slow is not None:
                self.wfile.flush()
                state.halfway.set()
                state.slow.wait(30)
            self.wfile.write(body[len(body) // 2 :])

        do_HEAD = do_GET

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield state
    server.shutdown()
    server.server_close()
