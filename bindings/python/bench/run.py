"""``cargo xtask bench python``: what an import, a whole process and a warm call cost, beside the peers.

All peers take turns in every round, so that a machine whose speed drifts drifts for all: what counts are ratios, each
the median of the ratios of all rounds.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from functools import partial
from importlib.metadata import version
from statistics import median
from time import perf_counter
from typing import NamedTuple

from peers import BARE, OURS, PEERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

PROCESS_ROUNDS = 25
CALL_ROUNDS = 21
CALLS = 200
RUST = "Rust core"

ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    # No peer may be slowed by what this shell has set.
    if not name.lower().endswith("_proxy") and not name.startswith("PYTHON")
}
ENVIRONMENT["PYTHONPATH"] = os.path.dirname(os.path.abspath(__file__))
ENVIRONMENT["MPT_API_TOKEN"] = "idt:TKN-0000-0001:any"


def script(code: str) -> list[str]:
    return [sys.executable, "-c", code]


class Cost(NamedTuple):
    """Seconds."""

    wall: float
    cpu: float


Told = dict[str, list[Cost]]


def process(command: list[str]) -> Cost:
    """A process from its start to its end."""
    started = perf_counter()
    child = os.posix_spawn(command[0], command, ENVIRONMENT)
    _, status, used = os.wait4(child, 0)
    wall = perf_counter() - started
    if status:
        raise RuntimeError(f"{command} ended with {os.waitstatus_to_exitcode(status)}")
    return Cost(wall, used.ru_utime + used.ru_stime)


def rounds(count: int, turns: dict[str, Callable[[], Cost]]) -> Told:
    """What each measured, round by round; one round more, at the start, only warms up."""
    told: Told = {name: [] for name in turns}
    for number in range(count + 1):
        for name, turn in turns.items():
            cost = turn()
            if number:
                told[name].append(cost)
    return told


def table(title: str, unit: str, scale: float, told: Told, bases: list[str]) -> None:
    """One line for each: wall and processor time, and how many times those of each base they are."""
    print(f"\n{title}")
    heads = ["wall " + unit, *bases, "cpu " + unit, *bases]
    print(f"{'':<20}", *(f"{head:>18}" for head in heads))
    for name, costs in told.items():
        cells: list[float] = []
        for kind in (0, 1):
            cells.append(median(cost[kind] for cost in costs) * scale)
            for base in bases:
                pairs = zip(costs, told[base], strict=True)
                cells.append(median(cost[kind] / one[kind] for cost, one in pairs))
        print(f"{name:<20}", *(f"{cell:>18.2f}" for cell in cells))


def processes(commands: dict[str, list[str]]) -> Told:
    return rounds(PROCESS_ROUNDS, {name: partial(process, it) for name, it in commands.items()})


def imports() -> None:
    modules = ["mpt_tokens", "http.client", "urllib3", "requests", "httpx", "aiohttp", "mpt_api_client"]
    bare = "pass"
    told = processes({bare: script("pass")} | {name: script(f"import {name}") for name in modules})
    over = {
        name: [
            Cost(cost.wall - one.wall, cost.cpu - one.cpu)
            for cost, one in zip(told[name], told[bare], strict=True)
        ]
        for name in modules
    }
    wall = median(cost.wall for cost in told[bare]) * 1e3
    table(f"an import, over `python -c pass` ({wall:.1f} ms): {PROCESS_ROUNDS} rounds", "ms", 1e3, over, [])


def whole_processes() -> None:
    told = processes({name: script(f"import peers; peers.peer({name!r})(1)") for name in PEERS})
    table(f"a whole process that deletes one token: {PROCESS_ROUNDS} rounds", "ms", 1e3, told, [OURS])


class Served:
    """A process that makes warm calls when it is asked to."""

    def __init__(self, command: list[str]) -> None:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, env=ENVIRONMENT, stdin=pipe, stdout=pipe, text=True)

    def call(self) -> Cost:
        """One call: a part of many."""
        process = self._process
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(f"{CALLS}\n")
        process.stdin.flush()
        wall, cpu = process.stdout.readline().split()
        return Cost(float(wall) / CALLS, float(cpu) / CALLS)

    def end(self) -> None:
        self._process.communicate()
        if self._process.returncode:
            raise RuntimeError(f"{self._process.args} ended with {self._process.returncode}")


def warm_calls(rust: str) -> None:
    served = {RUST: Served([rust])}
    for name in PEERS:
        if name != BARE:
            served[name] = Served(script(f"import peers; peers.serve({name!r})"))
    told = rounds(CALL_ROUNDS, {name: one.call for name, one in served.items()})
    for one in served.values():
        one.end()
    table(f"a warm call: {CALL_ROUNDS} rounds of {CALLS}", "us", 1e6, told, [RUST, OURS])


def main() -> None:
    [rust] = sys.argv[1:]
    pipe = subprocess.PIPE
    # It ends with this process, whose end of the pipe is its input.
    server = subprocess.Popen([rust, "serve"], stdin=pipe, stdout=pipe, text=True)
    assert server.stdout is not None
    ENVIRONMENT["MPT_API_BASE_URL"] = server.stdout.readline().strip()
    names = ("mpt-tokens", "urllib3", "requests", "httpx", "aiohttp", "mpt-api-client")
    print(f"Python {platform.python_version()};", ", ".join(f"{name} {version(name)}" for name in names))
    imports()
    whole_processes()
    warm_calls(rust)


if __name__ == "__main__":
    main()
