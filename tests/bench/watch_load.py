"""A service with any number of metrics that move: the page it shows, and who watches it by which rules.

A program: `python -m tests.bench.watch_load SETS PORT` serves the page.
"""

import asyncio
import itertools
import sys
from asyncio import StreamReader, StreamWriter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from console.config.paths import BUNDLED
from tests.servers import LOOPBACK

SET = 12
"""Metrics of one set: three shares of failures, two of successes, two quantiles, four gauges, a question."""
BOUNDS = ("0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf")
KINDS = ("failures",) * 3 + ("successes",) * 2 + ("quantile",) * 2 + ("gauge",) * 4 + ("query",)
SMALL = Path(__file__).parents[1] / "unit" / "strategies" / "small.yaml"

# -- the page -----------------------------------------------------------------------------------------


def page(sets: int, turn: int) -> str:
    """The page as it is the `turn`th time: every counter has grown, every gauge has moved."""
    lines = (line for number, kind in _each(sets) for line in _lines(kind, number, turn))
    return "\n".join(lines) + "\n"


def _each(sets: int) -> Iterator[tuple[int, str]]:
    return enumerate(itertools.chain.from_iterable(itertools.repeat(KINDS, sets)))


def _lines(kind: str, number: int, turn: int) -> Iterator[str]:
    tried, failed = 50 * turn + number, turn // 3
    if kind in ("failures", "successes"):
        yield f'm{number}_tried_total{{instance="a",zone="eu"}} {tried}'
        yield f'm{number}_failed_total{{instance="a",zone="eu"}} {failed}'
    elif kind == "quantile":
        for place, bound in enumerate(BOUNDS, 1):
            yield f'm{number}_seconds_bucket{{instance="a",le="{bound}"}} {tried * place // len(BOUNDS)}'
        yield f'm{number}_seconds_sum{{instance="a"}} {tried / 7}'
        yield f'm{number}_seconds_count{{instance="a"}} {tried}'
    else:
        yield f'm{number}_level{{instance="a"}} {20 + (turn + number) % 40 + 0.25}'


async def serve(sets: int, port: int) -> None:
    """Answer everybody with the newest page: one a second, made beforehand; `/health` is well."""
    health = b'{"status": "ok", "version": "v1.5.0"}'
    body = page(sets, 0).encode()

    async def answer(reader: StreamReader, writer: StreamWriter) -> None:
        asked = await reader.readuntil(b"\r\n\r\n")
        said = health if asked.startswith(b"GET /health") else body
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {len(said)}"
        writer.write(f"{head}\r\nConnection: close\r\n\r\n".encode() + said)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, LOOPBACK, port):
        for turn in itertools.count(1):
            body = page(sets, turn).encode()
            await asyncio.sleep(1)


# -- who watches it -----------------------------------------------------------------------------------


def _rules(kind: str, name: str) -> dict[str, str]:
    """Three rungs of each, one with a window; none is reached."""
    if kind == "successes":
        return {"recovered": f"{name} > 99%", "warn": f"{name} < 90%", "mandatory": f"{name} < 50% for 1m"}
    unit = {"failures": "%", "quantile": "s"}.get(kind, "")
    calm, warn, bad = ("2", "5", "50") if kind == "failures" else ("11", "12", "99")
    if kind in ("gauge", "query"):
        calm, warn, bad = "10", "80", "90"
    return {
        "recovered": f"{name} < {calm}{unit}",
        "warn": f"{name} > {warn}{unit}",
        "mandatory": f"{name} > {bad}{unit} for 1m",
    }


def _measure(kind: str, number: int, over: str) -> dict[str, Any]:
    counters = {"failed": f"m{number}_failed_total", "total": f"m{number}_tried_total", "over": over}
    page: dict[str, dict[str, Any]] = {
        "failures": counters,
        "successes": counters,
        "quantile": {"histogram": f"m{number}_seconds", "q": 0.99, "over": over},
        "gauge": {"gauge": f"m{number}_level"},
    }
    if kind == "query":
        return {"kind": "query", "source": "prom", "query": f"sum(m{number}_level)"}
    return {"kind": kind, "source": "metrics", **page[kind]}


def write_strategy(folder: Path, sets: int, page_port: int, prom_port: int, over: str) -> Path:
    """A strategy that watches the page and the Prometheus once a second, and a roster beside it."""
    yaml = YAML()
    document = yaml.load(SMALL)
    here = document["environments"]["testnet"]
    url = f"http://{LOOPBACK}:{page_port}"
    every = {"every": "1s", "limit": "5s"}
    here["service"] |= {"url": url, "health": f"{url}/health"}
    here["sources"] = {
        "metrics": {"kind": "scrape", "url": f"{url}/metrics", **every},
        "health": {"kind": "http", "url": f"{url}/health", **every},
        "prom": {"kind": "prometheus", "url": f"http://{LOOPBACK}:{prom_port}", **every},
    }
    units = {"failures": "%", "successes": "%", "quantile": "s"}
    here["metrics"] = {
        f"m{number}": {
            "title": f"m{number}",
            "unit": units.get(kind, "count"),
            "measure": _measure(kind, number, over),
            "rungs": _rules(kind, f"m{number}"),
        }
        for number, kind in _each(sets)
    }
    here["impact"]["metric"] = "m0"
    here["watch"] |= {"targets": ["m0"], "alerts": ["m0 > 1%"]}
    path = folder / "strategy.yaml"
    with path.open("w") as file:
        yaml.dump(document, file)
    for name in ("roster.yaml", "revoked_keys"):
        (folder / name).write_bytes((BUNDLED / name).read_bytes())
    return path


def alerts(sets: int, over: str) -> list[dict[str, str]]:
    """The same rules over there: an alert for each rung but recovered."""
    return [alert for number, kind in _each(sets) for alert in _alerts(kind, number, over)]


def _alerts(kind: str, number: int, over: str) -> Iterator[dict[str, str]]:
    name = f"m{number}"
    share = f"100 * sum(increase({name}_failed_total[{over}])) / sum(increase({name}_tried_total[{over}]))"
    quantile = f"histogram_quantile(0.99, sum by (le) (increase({name}_seconds_bucket[{over}])))"
    expression = {"failures": share, "successes": f"100 - {share}", "quantile": quantile}
    for rung, words in _rules(kind, name).items():
        _, sign, number_of, *held = words.rstrip().split()
        if rung == "recovered":
            continue
        bound = number_of.rstrip("%s")
        alert = {
            "alert": f"{name}_{rung}",
            "expr": f"{expression.get(kind, f'sum({name}_level)')} {sign} {bound}",
        }
        yield alert | ({"for": held[1]} if held else {})


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2])))
