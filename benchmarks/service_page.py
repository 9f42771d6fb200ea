"""The parts of docs/reference/figures.md about policy, the log, budgets and the gateway, from their JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Row = dict[str, Any]
Table = Callable[[list[str], list[list[str]]], str]

_PROXIES = {
    "nginx": "nginx, buffering off",
    "nginx+auth_request": "nginx, asking our decision service",
    "relay": "the relay alone",
    "gateway": "the gateway, every control on, no journal",
    "gateway+journal": "the gateway, every control and the journal",
    "litellm": "LiteLLM's proxy, without keys or limits",
}
_STORES = {
    "redis": "Redis that keeps every write",
    "redis-forgets": "Redis that forgets when it restarts",
    "postgres": "PostgreSQL",
}


def policy(found: Row, table: Table) -> str:
    """What a decision and a replay cost."""
    ten, bars = found["ten rules"], found["bars"]
    rows = [
        ["a decision, facts seen before", f"{ten['seen_before']['us']:.2f} µs", f"{bars['warm_us']:.0f} µs"],
        ["a decision, new facts", f"{ten['cold']['us']:.1f} µs", f"{bars['cold_us']:.0f} µs"],
    ]
    for name, run in ten["replay"].items():
        if isinstance(run, dict):
            asked = f"{bars['replay_s']:,.0f}/s" if name == "10% distinct" else "–"
            rows.append(
                [
                    f"replay, {name.replace('% distinct', '% of facts distinct')}",
                    f"{run['decisions_s']:,.0f}/s",
                    asked,
                ]
            )
    for name, peer in ten["peers"].items():
        if isinstance(peer, dict):
            rows.append([name, f"{peer['us']:,.0f} µs", "–"])
    return (
        f"Ten rules ({found['date']}, {found['revision']}), one core of {found['machine']['cores']}, Python "
        f"{found['machine']['python']}.\n\n{table(['what', 'measured', 'asked'], rows)}"
    )


def log(found: Row, table: Table) -> str:
    """What publishing an entry and proving one cost, beside a peer."""
    rows = []
    if "publish" in found:
        publish = found["publish"]
        speed, bar = f"{publish['entries_per_s']:,.0f}/s", f"{publish['bar']:,.0f}/s"
        rows.append([f"entries published, {publish['count']:,} waiting", speed, bar])
    if "proof" in found:
        proof = found["proof"]
        cold, bar = proof["cold_s"], f"{proof['bar_s'] * 1e3:.0f} ms"
        rows.append([f"a proof in {proof['size']:,} entries, median", f"{cold['median'] * 1e3:.2f} ms", bar])
        rows.append(
            [
                f"a proof in {proof['size']:,} entries, worst of {proof['proofs']:,}",
                f"{cold['worst'] * 1e3:.2f} ms",
                bar,
            ]
        )
    if "peer" in found:
        peer = found["peer"]
        rows.append(
            [f"{peer['name']}: entries appended ({peer['does']})", f"{peer['entries_per_s']:,.0f}/s", "–"]
        )
        rows.append(
            [
                f"{peer['name']}: a proof in {peer['proof_size']:,} entries",
                f"{peer['proof_s']['median'] * 1e3:,.1f} ms",
                "–",
            ]
        )
    if "same_size_as_peer" in found.get("proof", {}):
        same = found["proof"]["same_size_as_peer"]
        rows.append(
            [f"ours, a proof in {same['size']:,} entries", f"{same['cold_s']['median'] * 1e3:.2f} ms", "–"]
        )
    when = found.get("publish", found.get("proof", {}))
    return (
        f"One core, everything durable before it counts ({when.get('date', '')}, {when.get('revision', '')}).\n\n"
        f"{table(['what', 'measured', 'asked'], rows)}"
    )


def budgets(found: Row, table: Table) -> str:
    """Whether budgets hold over replicas that are killed, stopped and cut off."""
    rows = [
        [
            _STORES.get(run["store"], run["store"]),
            f"{run['requests']:,}",
            f"{run['kill_9']} / {run['stopped']} / {run['cut']} / {run['clock_steps']} / {run['store_restarts']}",
            f"{run['overrun_tokens']:,}",
            f"{min(run['usable_share_by_hour'], default=0):.2%}",
            str(run["leaked_slots"]),
            f"{run['store_operations_a_request']:.3f}",
        ]
        for run in found["runs"]
    ]
    heads = [
        "store",
        "requests",
        "killed / stopped / cut off / clock steps / restarts",
        "tokens over",
        "usable, worst hour",
        "slots leaked",
        "operations a request",
    ]
    return (
        f"Four replicas, leases of 0.02% of an hour's budget ({found['date']}, {found['revision']}). Asked: nothing "
        f"over, 99.5% usable, no slot leaked, 0.1 operations a request.\n\n{table(heads, rows)}"
    )


def gateway(found: Row, table: Table) -> str:
    """What every control costs beside other proxies, in one run."""
    requests, stream, late = found["requests"], found["stream"], found["latency"]
    nginx = requests.get("nginx", {}).get("us_a_request")
    rows = []
    for name, run in requests.items():
        chunk = stream.get(name, {})
        paced = late.get(name)
        rows.append([
            _PROXIES.get(name, name),
            f"{run['us_a_request']:,.1f}",
            f"{run['us_a_request'] / nginx:,.1f}" if nginx else "–",
            f"{run['requests_s_a_core']:,.0f}",
            f"{chunk['us_a_chunk']:.2f}" if chunk else "–",
            f"{chunk['chunks_s_a_core']:,.0f}" if chunk else "–",
            _added(paced, late["stub"]) if paced else "–",
            f"{run['rss_mib']:.0f}",
        ])  # fmt: skip
    heads = [
        "proxy",
        "CPU µs a request",
        "times nginx",
        "requests/s a core",
        "CPU µs a chunk",
        "chunks/s a core",
        "added µs at 1,000/s, p50 / p99",
        "MiB",
    ]
    machine = found["machine"]
    build = f"Python {machine['python']}, {machine['interpreter']}"
    beside = f"; beside: {machine['beside']}" if machine.get("beside") else ""
    return (
        f"Same stub, same load, one core each, in one run ({found['date']}, {found['revision']}, {build}{beside}). "
        "Asked of the gateway: at most 3 times nginx without the journal and 4 times with it, 100 times LiteLLM's "
        "requests a core, 200,000 chunks/s a core, 500 µs added at the 99th percentile, less than 80 MiB.\n\n"
        f"{table(heads, rows)}"
    )


def _added(paced: Row, stub: Row) -> str:
    return f"{paced['p50_us'] - stub['p50_us']:,.0f} / {paced['p99_us'] - stub['p99_us']:,.0f}"
