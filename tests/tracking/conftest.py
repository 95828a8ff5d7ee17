"""A real tracking server on 127.0.0.1, an empty project to track in, and a Whisper of a few kilobytes."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from selfsown import tracking
from selfsown.tracking.store import connect, why_away

SOURCE = Path(tracking.__file__).parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def server_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """`mlflow server` over SQLite with proxied artefacts; one for all tests, because it starts slowly."""
    folder, port = tmp_path_factory.mktemp("server"), free_port()
    command = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--backend-store-uri", f"sqlite:///{folder / 'server.db'}", "--artifacts-destination", str(folder / "files"),
    ]  # fmt: skip
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env=environment, start_new_session=True)
    while why_away(f"http://127.0.0.1:{port}", timeout=1):
        assert process.poll() is None, (folder / "log").read_text()
        time.sleep(0.2)
    yield port
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class Link:
    """The network path to the server: a port that forwards to it while up, and refuses connections while down."""

    def __init__(self, target: int) -> None:
        self.target, self.port = target, free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        self.listener: socket.socket | None = None
        self.open: list[socket.socket] = []
        self.up()

    def up(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def down(self) -> None:
        if self.listener is not None:
            self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()
            self.listener = None
        for connection in self.open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self.open.clear()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(("127.0.0.1", self.target))
                self.open += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._copy, args=(source, sink), daemon=True).start()

    @staticmethod
    def _copy(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)


@pytest.fixture
def server(server_port: int, project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Link]:
    """A server in use, whose link a test may cut."""
    link = Link(server_port)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", link.uri)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    yield link
    link.down()


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Migrations take seconds: run once, copied into each project."""
    path = tmp_path_factory.mktemp("database") / "empty.db"
    connect(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def project(tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project as working directory: SQLite store, a profile, one product that DVC does not know."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    shutil.copy(empty_database, "mlflow.db")
    Path(".selfsown").mkdir()
    shutil.copy(empty_database, ".selfsown/offline.db")
    Path("params.yaml").write_text("composed_from: smoke\n")
    product = Path("data/demo/speech")
    product.mkdir(parents=True)
    (product / "part-00000.parquet").write_bytes(b"rows")
    return tmp_path


@pytest.fixture
def arguments() -> Callable[..., dict[str, Any]]:
    """Makes the arguments of `tracking.run` for a stage `demo.train`, with changes."""

    def make(**changes: Any) -> dict[str, Any]:
        return {
            "name": "demo.train@a",
            "experiment": "demo",
            "params": {"seed": 3, "optimizer": {"lr": 1e-4}},
            "inputs": {"speech": Path("data/demo/speech")},
            "fingerprint": "f1",
            **changes,
        }

    return make


@pytest.fixture
def start_python() -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Starts another process in the same project; it ends with the test at the latest."""
    started = []

    def start(code: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
        process = subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def tiny_whisper(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path, int], Path]:
    """Makes a Hugging Face folder with a random Whisper (seed decides its weights) and a byte-level tokenizer."""

    def make(folder: Path, seed: int) -> Path:
        import torch
        from tokenizers import Tokenizer, decoders, models, pre_tokenizers
        from transformers import (
            GenerationConfig,
            WhisperConfig,
            WhisperFeatureExtractor,
            WhisperForConditionalGeneration,
            WhisperProcessor,
            WhisperTokenizerFast,
        )

        alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
        model = Tokenizer(models.BPE(vocab={letter: index for index, letter in enumerate(alphabet)}, merges=[]))
        model.pre_tokenizer, model.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
        names = ("endoftext", "startoftranscript", "cs", "translate", "transcribe", "startofprev", "notimestamps")
        model.add_special_tokens([f"<|{name}|>" for name in names])
        tokenizer = WhisperTokenizerFast(tokenizer_object=model)
        ids: Mapping[str, int] = {name: tokenizer.convert_tokens_to_ids(f"<|{name}|>") for name in names}
        shared = {
            **dict.fromkeys(("bos_token_id", "eos_token_id", "pad_token_id"), ids["endoftext"]),
            "decoder_start_token_id": ids["startoftranscript"],
        }
        sizes = {f"{side}_{what}": size for side in ("encoder", "decoder") for what, size in
                 (("layers", 1), ("attention_heads", 2), ("ffn_dim", 32))}  # fmt: skip
        torch.manual_seed(seed)
        whisper = WhisperForConditionalGeneration(
            WhisperConfig(vocab_size=len(tokenizer), d_model=16, **sizes, **shared)
        )
        whisper.proj_out.weight.data[ids["endoftext"] :] -= 1  # letters, not special tokens, are likeliest
        whisper.generation_config = GenerationConfig(
            **shared, no_timestamps_token_id=ids["notimestamps"], is_multilingual=True, language="cs", max_length=12,
            lang_to_id={"<|cs|>": ids["cs"]}, task_to_id={"transcribe": ids["transcribe"]}, task="transcribe",
            suppress_tokens=list(ids.values()),
        )  # fmt: skip
        whisper.save_pretrained(folder)
        WhisperProcessor(WhisperFeatureExtractor(), tokenizer).save_pretrained(folder)
        return folder

    return make
