"""What this machine has, and which profiles it can run: one screen, in under two seconds.

Nothing heavy is imported: no torch, no mlflow. What is asked over the network is only whether somebody answers.
"""

from __future__ import annotations

import os
import platform
import shutil
import socket
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import psutil

from selfsown import disk
from selfsown.errors import UserError, without_password
from selfsown.project import home
from selfsown.settings import settings
from selfsown.tracking.uri import tracking_uri

GIB = 2**30
ANSWER_SECONDS = 1.0
"""How long a host may take to answer before it counts as out of reach."""

DOWNLOADS = 1
"""GiB that the sources of `smoke` and `laptop` take in the cache, and those of larger profiles at least."""

TOOLS = ("git", "make", "apt-get")


@dataclass(frozen=True)
class Machine:
    """What a profile's needs are compared with; memory and disk in GiB."""

    cores: int
    memory: float
    disk: float
    cache: float
    gpus: tuple[tuple[str, float], ...]
    packages: bool
    """Package registries answer, or a mirror stands in for them."""
    hub: bool
    """The model hub answers, or a mirror stands in for it."""


@dataclass(frozen=True)
class Needs:
    """What a profile needs to finish; sizes in GiB, disk beyond the Python packages."""

    profile: str
    memory: float
    disk: float
    gpus: int = 0
    gpu_memory: float = 0
    hub: bool = False

    def missing(self, machine: Machine) -> list[str]:
        """Why this machine cannot run the profile; empty when it can."""
        fitting = sum(memory >= self.gpu_memory for _, memory in machine.gpus)
        reasons = [
            machine.memory < self.memory and f"{self.memory:.0f} GiB memory (here {machine.memory:.1f})",
            machine.disk < self.disk
            and f"{self.disk:.0f} GiB free disk (here {machine.disk:.1f}, {self.disk - machine.disk:.1f} are missing)",
            machine.cache < DOWNLOADS
            and f"{DOWNLOADS} GiB for downloads in the cache (there {machine.cache:.1f}; SELFSOWN_CACHE moves it)",
            fitting < self.gpus and f"{self.gpus} GPU of {self.gpu_memory:.0f} GiB or more (here {fitting})",
            not machine.packages and "package registries, or a mirror",
            self.hub and not machine.hub and "the model hub, or a mirror",
        ]
        return [reason for reason in reasons if reason]


# A GPU sold as 24 GB reports 23.5 GiB or less, one sold as 80 GB 79 or less.
PROFILES = (
    Needs("smoke", memory=3, disk=4),
    Needs("laptop", memory=6, disk=8),
    Needs("study", memory=6, disk=20),
    Needs("gpu", memory=24, disk=150, gpus=1, gpu_memory=22, hub=True),
    Needs("paper", memory=200, disk=4000, gpus=8, gpu_memory=70, hub=True),
)


def report() -> str:
    """The whole screen as text."""
    from huggingface_hub.constants import ENDPOINT as HUB
    from pypi_simple import PYPI_SIMPLE_ENDPOINT

    tracking, fault = _tracking()
    mirror = settings().mirror
    index = os.environ.get("PIP_INDEX_URL", PYPI_SIMPLE_ENDPOINT)
    packages, hub, server, mirror_fault = ask(index, HUB, tracking, str(settings().mirror_dir or mirror or ""))
    if settings().offline:
        packages = hub = "not asked, SELFSOWN_OFFLINE is set"
    mirrored = bool(mirror) and not mirror_fault  # what a mirror lacks is named when a stage asks for it
    machine = Machine(
        cores=len(os.sched_getaffinity(0)),
        memory=memory_gib(),
        disk=disk.free(home()) / GIB,
        cache=disk.free(settings().cache_dir) / GIB,
        gpus=gpus(),
        packages=mirrored or not packages,
        hub=mirrored or not hub,
    )
    lines = [
        ("Python", f"{platform.python_version()} at {sys.executable}"),
        ("Cores", f"{machine.cores} usable, {cpu_features()}"),
        ("Memory", f"{machine.memory:.1f} GiB"),
        (
            "Disk",
            f"{machine.disk:.1f} GiB free here; downloads in {settings().cache_dir}, {machine.cache:.1f} GiB free",
        ),
        ("GPUs", ", ".join(f"{name} ({memory:.0f} GiB)" for name, memory in machine.gpus) or "none"),
        ("Tools", ", ".join(tool if shutil.which(tool) else f"{tool} (missing)" for tool in TOOLS)),
        ("Sources", f"package registry: {packages or 'answers'}; model hub: {hub or 'answers'}"),
        ("Mirror", f"{without_password(mirror)}: {mirror_fault or 'there'}" if mirror else "none (SELFSOWN_MIRROR)"),
        ("Tracking", fault or f"{without_password(tracking)}: {server or 'there'}"),
    ]
    for needs in PROFILES:
        missing = needs.missing(machine)
        lines.append((f"  {needs.profile}", f"no: needs {'; '.join(missing)}" if missing else "yes"))
    lines.insert(-len(PROFILES), ("Profiles this machine can run", ""))
    width = max(len(name) for name, value in lines if value) + 2
    return "\n".join(f"{name:<{width}}{value}".rstrip() for name, value in lines)


def ask(*places: str) -> list[str]:
    """`unreachable` of each place, all at once and never for long: a name server may hang where a socket would not."""
    answers = [f"no answer in {ANSWER_SECONDS:.0f} s"] * len(places)

    def note(index: int, place: str) -> None:
        answers[index] = unreachable(place)

    threads = [threading.Thread(target=note, args=item, daemon=True) for item in enumerate(places)]
    deadline = time.monotonic() + ANSWER_SECONDS
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return list(answers)


def unreachable(place: str) -> str:
    """Why a folder, file database or server cannot be used, or empty. Opens a connection, sends nothing."""
    url = urlsplit(place)
    if url.scheme in ("", "file", "sqlite"):
        path = Path(url.path.removeprefix("/") if url.scheme == "sqlite" else url.path).expanduser()
        wanted = path.parent if url.scheme == "sqlite" else path
        return "" if wanted.is_dir() else "no such folder"
    host = url.netloc.rpartition("@")[2]
    if url.scheme.startswith("http") and (proxy := getproxies().get(url.scheme)) and not proxy_bypass(host):
        url = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    port = url.port or {"https": 443, "http": 80, "postgresql": 5432, "mysql": 3306}.get(url.scheme.split("+")[0])
    if url.hostname is None or port is None:
        return ""  # object stores (s3://...) have no one host to ask
    try:
        socket.create_connection((url.hostname, port), timeout=ANSWER_SECONDS).close()
    except OSError as error:
        return f"no answer from {url.hostname}:{port} ({error.strerror or 'time out'})"
    return ""


def memory_gib() -> float:
    """Memory this process may use: the machine's, or its container's limit where that is smaller."""
    limits = [float(psutil.virtual_memory().total)]
    for file in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        text = _read(file).strip()
        if text.isdigit():
            limits.append(float(text))
    return min(limits) / GIB


def cpu_features() -> str:
    """Whether the processor multiplies bf16 natively, which decides `precision: auto`."""
    words = set(_read("/proc/cpuinfo").split())
    found = [name for flag, name in (("amx_bf16", "AMX-bf16"), ("avx512_bf16", "AVX512-bf16")) if flag in words]
    if platform.machine() == "aarch64" and "bf16" in words:
        found.append("Arm bf16")
    return " and ".join(found) or "no native bf16"


def gpus() -> tuple[tuple[str, float], ...]:
    """Name and memory in GiB of every NVIDIA GPU that `CUDA_VISIBLE_DEVICES` leaves to see."""
    import pynvml

    try:
        pynvml.nvmlInit()
        handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
        found = [(pynvml.nvmlDeviceGetName(one), pynvml.nvmlDeviceGetMemoryInfo(one).total / GIB) for one in handles]
    except pynvml.NVMLError:
        return ()
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return tuple(found)
    chosen = [part.strip() for part in visible.split(",")]
    return tuple(gpu for index, gpu in enumerate(found) if str(index) in chosen)


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def _tracking() -> tuple[str, str]:
    """Where runs are recorded, and what is wrong with the setting."""
    try:
        return tracking_uri(), ""
    except UserError as error:
        return "", str(error)
