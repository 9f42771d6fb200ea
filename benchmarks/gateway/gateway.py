"""What every control costs: the gateway beside nginx, nginx with auth_request, LiteLLM and the bare relay, in one run.

Each stands on one core before the same stub, under the same load (see `relay.py`). CPU is what the kernel booked for
all threads of the proxy's processes. `gateway` has identity, eight budgets, decisions, parameters, the response's tap
and rate headers; `gateway+journal` writes each exchange to the disk, too. Latency is that of 1,000 requests a second,
each from when it was due, less that of the stub alone.

    python benchmarks/gateway/gateway.py --date 2026-01-31 [--seconds 5] [--rounds 3] [--litellm PYTHON]
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
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
sys.path.insert(0, str(Path(__file__).resolve().parent))

import relay
from relay import CHUNKS, NGINX, RELAY, Bench, listening, pinned

import record
from headwater.control.identity import IdentitySettings, open_identity
from headwater.gateway.founding import found
from ports import free_port

AT_US = 1_790_000_000_000_000
RATE = 1_000
#: Limits that are never reached, so that all of them are counted.
TIER = {
    "requests_per_minute": 60_000_000, "requests_per_day": 10_000_000_000, "tokens_per_minute": 60_000_000_000,
    "tokens_per_day": 10_000_000_000_000, "concurrent_requests": 10_000, "spend_per_month_micros": 10_000_000_000_000,
    "addresses_per_day": 100,
}  # fmt: skip
SETTINGS = """
upstream = "http://127.0.0.1:{stub}"
record = {record}
[[control.budgets]]
name = "network"
kind = "request-quota"
scope = "address"
limit = 10000000000
per = "day"
[[control.models]]
name = "m"
input = 3000000
output = 15000000
"""
AUTH = NGINX.replace(
    "    location / {{",
    """    location = /authorize {{
      internal; proxy_pass http://127.0.0.1:{auth}/authorize; proxy_pass_request_body off; proxy_http_version 1.1;
      proxy_set_header Connection ""; proxy_set_header Content-Length ""; proxy_set_header X-Original-URI $request_uri;
      proxy_set_header X-Original-Method $request_method; proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Headwater-Token "{token}";
    }}
    location / {{
      auth_request /authorize;""",
)
LITELLM = """
model_list:
  - model_name: m
    litellm_params: {{model: openai/m, api_base: "http://127.0.0.1:{stub}/v1", api_key: none}}
litellm_settings: {{drop_params: true}}
# Nobody is asked who they are: the cheapest that it can be. Without this line it doesn't start.
general_settings: {{dangerously_permit_weak_or_unset_master_key: true}}
"""
#: It looks for a newer price list on the network, and takes half a minute to start.
LITELLM_ENVIRONMENT = {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}
LITELLM_STARTS_S = 180


def cpu_ns(processes: list[int]) -> int:
    """CPU time of all threads of these processes so far, in ns."""
    return sum(
        int(told.read_text().split()[0])
        for process in processes
        for told in Path(f"/proc/{process}/task").glob("*/schedstat")
    )


class Gateways(Bench):
    """Proxies with and without controls."""

    def __init__(self, folder: Path, proxy_core: int, load_core: int, litellm: str) -> None:
        super().__init__(folder, proxy_core, load_core)
        self.litellm = litellm
        key = self._founded()
        for load in relay.LOADS:
            text = (folder / load).read_bytes()
            (folder / load).write_bytes(
                text.replace(b"hw_test_0123456789abcdef0123456789abcdef", key.encode())
            )

    def start_all(self, name: str) -> tuple[list[subprocess.Popen[bytes]], int]:
        """The processes of a proxy, and the port that it listens on."""
        if name == "stub":
            return [], self.stub_port
        port = free_port()
        words: list[str]
        started = []
        if name in ("nginx", "nginx+auth_request"):
            places: dict[str, Any] = {"folder": self.folder, "stub": self.stub_port, "port": port}
            if name != "nginx":
                auth = free_port()
                started.append(self._gateway(auth, "--decide"))
                places |= {"auth": auth, "token": self._token()}
            conf = self.folder / "nginx.conf"
            conf.write_text((AUTH if started else NGINX).format(**places))
            words = [shutil.which("nginx") or "/usr/sbin/nginx", "-p", str(self.folder), "-c", str(conf)]
        elif name == "relay":
            words = [sys.executable, "-c", RELAY, str(port), str(self.stub_port)]
        elif name == "litellm":
            conf = self.folder / "litellm.yaml"
            conf.write_text(LITELLM.format(stub=self.stub_port))
            words = [
                str(Path(self.litellm).parent / "litellm"),
                "--config",
                str(conf),
                "--port",
                str(port),
                "--host",
                "127.0.0.1",
            ]
        else:
            return [self._gateway(port, *([] if name == "gateway+journal" else ["--no-journal"]))], port
        started.append(
            subprocess.Popen(
                [*pinned(self.proxy_core), *words],
                env={**os.environ, **(LITELLM_ENVIRONMENT if name == "litellm" else {})},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )
        listening(port, LITELLM_STARTS_S if name == "litellm" else 20)
        return started, port

    def measured(self, name: str, load: str, seconds: float) -> dict[str, float]:
        """CPU µs a request (and a chunk) of one proxy under one load."""
        started, port = self.start_all(name)
        processes = [one.pid for one in started]
        try:
            warm = 1.0
            if name == "litellm":  # its first answers take seconds, and sixteen streams at once some, too
                warm, seconds = 5.0, max(seconds, 10.0)
            self.drive(load, port, warm)
            before = cpu_ns(processes)
            told = self.drive(load, port, seconds)
            spent = cpu_ns(processes) - before
            if not told["answers"]:
                raise RuntimeError(f"{name}: no answer was whole in {seconds} s: give it more --seconds")
            each = spent / 1e3 / told["answers"]
            made = {
                "us_a_request": each,
                "requests_s": told["answers"] / told["seconds"],
                "requests_s_a_core": 1e6 / each,
                "rss_mib": sum(relay.rss_mib(one) for one in processes),
            }
            if load == "stream":
                made |= {"us_a_chunk": each / CHUNKS, "chunks_s_a_core": 1e6 * CHUNKS / each}
            return made
        finally:
            _end(started)

    def paced(self, name: str, seconds: float, rate: int) -> dict[str, float]:
        """Latency of `rate` requests a second, in µs."""
        started, port = self.start_all(name)
        try:
            self.drive("requests", port, 1.0)
            words = [
                str(self.load),
                "pace",
                str(port),
                str(rate),
                str(seconds),
                str(self.folder / "requests"),
            ]
            done = subprocess.run([*pinned(self.load_core), *words], capture_output=True, check=True)
            told: dict[str, float] = json.loads(done.stdout)
            if told.pop("wrong"):
                raise RuntimeError("answers weren't 200")
            return told
        finally:
            _end(started)

    def _founded(self) -> str:
        """Make the gateway's folder; the key of its account."""
        folder = self.folder / "gateway"
        found(folder, f"http://127.0.0.1:{self.stub_port}")
        with open_identity(folder / "identity", IdentitySettings()) as identity:
            identity.change_tier("verified-organisation", "bench", AT_US, TIER)
            identity.new_account("bench", "bench", AT_US, tier="verified-organisation")
            return identity.new_key("bench", "bench", AT_US).text

    def _token(self) -> str:
        """What nginx shows the decision service."""
        lines = (self.folder / "gateway" / "decisions.token").read_text().splitlines()
        return next(line for line in lines if line and not line.startswith("#"))

    def _gateway(self, port: int, *more: str) -> subprocess.Popen[bytes]:
        record_it = "false" if "--no-journal" in more or "--decide" in more else "true"
        options = [one for one in more if one != "--no-journal"]
        (self.folder / "gateway" / "gateway.toml").write_text(
            SETTINGS.format(stub=self.stub_port, record=record_it)
        )
        words = [sys.executable, "-m", "headwater.cli", "serve", "--folder", str(self.folder / "gateway")]
        words += ["--port", str(port), "--no-rotation", "--quiet", *options]
        process = subprocess.Popen([*pinned(self.proxy_core), *words], stdout=subprocess.DEVNULL)
        listening(port)
        return process


def _end(started: list[subprocess.Popen[bytes]]) -> None:
    for process in started:
        process.send_signal(signal.SIGTERM)
    for process in started:
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def main() -> None:
    """Measure all proxies under all loads, in turn, some rounds."""
    parser = record.options(__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--litellm", default="", help="the Python of an environment that has LiteLLM's proxy")
    parser.add_argument("--only", default="", help="these proxies alone, with commas")
    parser.add_argument("--beside", default="", help="what else ran on the machine, in words")
    asked = parser.parse_args()
    date.fromisoformat(asked.date)
    cores = sorted(os.sched_getaffinity(0))
    names = [
        "nginx",
        "nginx+auth_request",
        "relay",
        "gateway",
        "gateway+journal",
        *(["litellm"] if asked.litellm else []),
    ]
    names = asked.only.split(",") if asked.only else names
    cpu: dict[str, dict[str, list[dict[str, float]]]] = {
        load: {name: [] for name in names} for load in ("requests", "stream")
    }
    late: dict[str, list[dict[str, float]]] = {
        name: [] for name in ["stub", *(one for one in names if one != "litellm")]
    }
    with tempfile.TemporaryDirectory() as folder:
        bench = Gateways(Path(folder), cores[0], cores[1], asked.litellm)
        try:
            for _ in range(asked.rounds):
                for load, by_name in cpu.items():
                    for name, runs in by_name.items():
                        runs.append(bench.measured(name, load, asked.seconds))
                for name, paces in late.items():
                    paces.append(bench.paced(name, asked.seconds, RATE))
        finally:
            bench.stub.kill()
    told: dict[str, Any] = {
        load: {name: _medians(runs) for name, runs in by.items()} for load, by in cpu.items()
    }
    told["latency"] = {name: _medians(runs) for name, runs in late.items()}
    told["ratios"] = _ratios(told)
    told["all"] = {"cpu": cpu, "latency": late}
    told["machine"] = {
        "cores": len(cores), "python": platform.python_version(), "kernel": platform.release(),
        # A distribution's is built with profiles and is a fifth faster than one that was built without.
        "interpreter": "the distribution's" if sys.base_prefix == "/usr" else "another build",
        "uvloop": version("uvloop"), "httptools": version("httptools"), "beside": asked.beside,
        "nginx": subprocess.run(["nginx", "-v"], capture_output=True, text=True, check=False).stderr.strip(),
        "at": time.strftime("%H:%M"),
    }  # fmt: skip
    record.keep({"date": asked.date, "revision": asked.revision, **told}, asked)


def _medians(runs: list[dict[str, float]]) -> dict[str, float]:
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}


def _ratios(told: dict[str, Any]) -> dict[str, float]:
    """What the bars are about."""
    requests, late = told["requests"], told["latency"]
    made: dict[str, float] = {}
    for name in ("gateway", "gateway+journal", "relay", "nginx+auth_request"):
        if name in requests and "nginx" in requests:
            made[f"{name} to nginx, CPU a request"] = (
                requests[name]["us_a_request"] / requests["nginx"]["us_a_request"]
            )
        if name in requests and "litellm" in requests:
            made[f"{name} to litellm, requests a core"] = (
                requests["litellm"]["us_a_request"] / requests[name]["us_a_request"]
            )
        if name in late:
            made[f"{name}, added p50 in µs"] = late[name]["p50_us"] - late["stub"]["p50_us"]
            made[f"{name}, added p99 in µs"] = late[name]["p99_us"] - late["stub"]["p99_us"]
    return made


if __name__ == "__main__":
    main()
