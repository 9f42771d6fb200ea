"""CPU of the bare relay for a request and for a chunk of a stream, beside nginx: same stub, same load, one core each.

The proxy has one core, stub and load (C, compiled here) share the other. What counts is the CPU time that the kernel
booked for the proxy's process, divided by what it served: on a busy machine rates fall, CPU time hardly moves.

    python benchmarks/gateway/relay.py --date 2026-01-31 [--seconds 5] [--rounds 3] [--only relay]
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

import record
from ports import free_port

HERE = Path(__file__).resolve().parent
BODY = json.dumps({"model": "m", "messages": [{"role": "user", "content": "Say something. " * 20}]})
#: What the official OpenAI client 3.57.0 sends, less the key.
HEAD = (
    "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nAccept-Encoding: gzip, deflate\r\n"
    "Connection: keep-alive\r\nAccept: application/json\r\nContent-Type: application/json\r\n"
    "User-Agent: OpenAI/Python 3.57.0\r\nX-Stainless-Lang: python\r\nX-Stainless-Package-Version: 3.57.0\r\n"
    "X-Stainless-OS: Linux\r\nX-Stainless-Arch: x64\r\nX-Stainless-Runtime: CPython\r\n"
    "X-Stainless-Runtime-Version: 3.11.7\r\nAuthorization: Bearer hw_test_0123456789abcdef0123456789abcdef\r\n"
    "X-Stainless-Async: false\r\nx-stainless-retry-count: 0\r\nx-stainless-read-timeout: 600\r\n"
)
CHUNKS = 100
#: Connections of each load. `requests`: every client sends the same head again, as official clients do while they stay
#: connected; `changing`: a header differs each time, so that every head is read anew.
LOADS = {"requests": 32, "changing": 32, "stream": 16}
NGINX = """
worker_processes 1; daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log crit;
events {{ worker_connections 1024; }}
http {{
  access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s; keepalive_requests 100000000;
  upstream model {{ server 127.0.0.1:{stub}; keepalive 64; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=1024;
    location / {{
      proxy_pass http://model; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off;
    }}
  }}
}}
"""
RELAY = """
import sys
from headwater.gateway import RelaySettings
from headwater.gateway.relay.upstream import Upstream
from headwater.gateway.serve import serve
sys.exit(serve(RelaySettings(port=int(sys.argv[1])), lambda: [], Upstream.parse(f"http://127.0.0.1:{sys.argv[2]}")))
"""


def pinned(core: int) -> list[str]:
    """What stands before a command that stays on one core, and goes before others there where that is allowed."""
    before = ["nice", "-n", "-15"] if os.geteuid() == 0 else []
    return [*before, "taskset", "-c", str(core)]


def listening(port: int, wait_s: float = 20) -> None:
    """Wait until somebody listens, for so long."""
    until = time.monotonic() + wait_s
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError(f"nobody listens on {port}")


def cpu_ns(process: int) -> int:
    """CPU time of a process so far (its only thread's), in ns."""
    return int(Path(f"/proc/{process}/schedstat").read_text().split()[0])


def rss_mib(process: int) -> float:
    """Resident memory of a process, in MiB."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


class Bench:
    """The stub, and the proxies that are started before it."""

    def __init__(self, folder: Path, proxy_core: int, load_core: int) -> None:
        self.folder = folder
        self.proxy_core, self.load_core = proxy_core, load_core
        self.load = folder / "load"
        subprocess.run(["gcc", "-O2", "-w", "-o", self.load, HERE / "load.c"], check=True)
        self.stub_port = free_port()
        words = [*pinned(load_core), str(self.load), "stub", str(self.stub_port), str(CHUNKS)]
        self.stub = subprocess.Popen(words)
        listening(self.stub_port)
        for name in LOADS:
            body = BODY.replace("{", '{"stream": true, ', 1) if name == "stream" else BODY
            more = "Idempotency-Key: @@@@@@@@@@\r\n" if name == "changing" else ""
            (folder / name).write_text(f"{HEAD}{more}Content-Length: {len(body)}\r\n\r\n{body}")

    def start(self, name: str) -> tuple[subprocess.Popen[bytes], int]:
        """A proxy's process and port."""
        port = free_port()
        if name == "nginx":
            conf = self.folder / "nginx.conf"
            conf.write_text(NGINX.format(folder=self.folder, stub=self.stub_port, port=port))
            words = [shutil.which("nginx") or "/usr/sbin/nginx", "-p", str(self.folder), "-c", str(conf)]
        else:
            words = [sys.executable, "-c", RELAY, str(port), str(self.stub_port)]
        process = subprocess.Popen([*pinned(self.proxy_core), *words], stderr=subprocess.DEVNULL)
        listening(port)
        return process, port

    def drive(self, load: str, port: int, seconds: float) -> dict[str, Any]:
        """What the load saw."""
        words = [str(self.load), "drive", str(port), str(LOADS[load]), str(seconds), str(self.folder / load)]
        done = subprocess.run([*pinned(self.load_core), *words], capture_output=True, check=True)
        told: dict[str, Any] = json.loads(done.stdout)
        if told["wrong"]:
            raise RuntimeError(f"{told['wrong']} answers weren't 200")
        return told

    def measure(self, name: str, load: str, seconds: float) -> dict[str, float]:
        """CPU µs a request (and a chunk) of one proxy under one load."""
        process, port = self.start(name)
        try:
            self.drive(load, port, 0.5)
            before = cpu_ns(process.pid)
            told = self.drive(load, port, seconds)
            spent = cpu_ns(process.pid) - before
            made = {
                "us_a_request": spent / 1e3 / told["answers"],
                "requests_s": told["answers"] / told["seconds"],
                "rss_mib": rss_mib(process.pid),
            }
            if load == "stream":
                made["us_a_chunk"] = made["us_a_request"] / CHUNKS
                made["chunks_s"] = made["requests_s"] * CHUNKS
                made["chunks_s_a_core"] = 1e6 / made["us_a_chunk"]
            return made
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(10)


def main() -> None:
    """Measure all proxies under all loads, in turn, some rounds."""
    parser = record.options(__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=["relay", "nginx"])
    parser.add_argument("--beside", default="", help="what else ran on the machine, in words")
    asked = parser.parse_args()
    date.fromisoformat(asked.date)
    cores = sorted(os.sched_getaffinity(0))
    names = [asked.only] if asked.only else ["relay", "nginx"]
    found: dict[str, dict[str, list[dict[str, float]]]] = {
        load: {name: [] for name in names} for load in LOADS
    }
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), cores[0], cores[1])
        try:
            for _ in range(asked.rounds):
                for load, names_of in found.items():
                    for name in names_of:
                        names_of[name].append(bench.measure(name, load, asked.seconds))
        finally:
            bench.stub.kill()
    told: dict[str, Any] = {}
    for load, by_name in found.items():
        told[load] = {
            name: {key: statistics.median(run[key] for run in runs) for key in runs[0]}
            for name, runs in by_name.items()
        }
        if not asked.only:
            told[load]["times_nginx"] = (
                told[load]["relay"]["us_a_request"] / told[load]["nginx"]["us_a_request"]
            )
    told["all"] = found
    told["machine"] = {
        "cores": len(cores), "python": platform.python_version(), "kernel": platform.release(),
        "uvloop": version("uvloop"), "httptools": version("httptools"), "beside": asked.beside,
        "nginx": subprocess.run(["nginx", "-v"], capture_output=True, text=True, check=False).stderr.strip(),
    }  # fmt: skip
    record.keep({"date": asked.date, "revision": asked.revision, **told}, asked)


if __name__ == "__main__":
    main()
