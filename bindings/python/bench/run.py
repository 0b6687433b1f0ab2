"""``cargo xtask bench``: what a warm call, a whole process and an import cost, beside the peers, in one run.

All peers take turns in every round, so that a machine whose speed drifts drifts for all: what counts are ratios, each
the median of the ratios of all rounds. Where the system can, clients and server stay on one processor: whether they
are woken across processors is luck, and takes longer than what is measured.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from datetime import datetime, timezone
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
# Counted, not timed: the difference between so many calls and so few.
MANY, FEW = 600, 100
RAW = "raw blocking socket"
CORE = "mpt-tokens (Rust)"
LIBRARY = "libmpt_tokens (C)"
PYTHON_PACKAGES = ("mpt-tokens", "urllib3", "requests", "httpx", "aiohttp", "mpt-api-client")

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


def serving(name: str) -> list[str]:
    """The command of a peer in Python that makes warm calls."""
    return script(f"import peers; peers.serve({name!r})")


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


class Report:
    """What is printed, and written as a document."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, text: str) -> None:
        print(text, flush=True)
        self.lines += text.split("\n")

    def table(self, heads: list[str], rows: list[list[str]]) -> None:
        widths = [max(len(row[place]) for row in [heads, *rows]) for place in range(len(heads))]
        for number, row in enumerate([heads, *rows]):
            cells = [row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
            self.add("| " + " | ".join(cells) + " |")
            if number == 0:
                self.add("| " + " | ".join(["---"] + ["---:"] * (len(heads) - 1)) + " |")


def costs(
    report: Report, unit: str, scale: float, told: Told, bases: dict[str, str], counted: dict[str, str] | None = None
) -> None:
    """One line for each: wall and processor time, and how many times those of each base they are."""
    heads = [""]
    for kind in ("wall", "CPU"):
        heads += [f"{kind}, {unit}", *(f"{kind} / {short}" for short in bases.values())]
    if counted is not None:
        heads.append("system calls")
    rows: list[list[str]] = []
    for name, measured in told.items():
        row = [name]
        for kind in (0, 1):
            row.append(f"{median(cost[kind] for cost in measured) * scale:.1f}")
            for base in bases:
                pairs = zip(measured, told[base], strict=True)
                row.append(f"{median(cost[kind] / one[kind] for cost, one in pairs):.2f}")
        if counted is not None:
            row.append(counted[name])
        rows.append(row)
    report.table(heads, rows)


def processes(commands: dict[str, list[str]]) -> Told:
    return rounds(PROCESS_ROUNDS, {name: partial(process, it) for name, it in commands.items()})


def imports(report: Report) -> None:
    modules = ["mpt_tokens", "http.client", "urllib3", "requests", "httpx", "aiohttp", "mpt_api_client"]
    told = processes({"pass": script("pass")} | {name: script(f"import {name}") for name in modules})
    rows: list[list[str]] = []
    for name in modules:
        pairs = list(zip(told[name], told["pass"], strict=True))
        both = [median(cost[kind] - one[kind] for cost, one in pairs) * 1e3 for kind in (0, 1)]
        rows.append([f"`import {name}`", *(f"{cell:.2f}" for cell in both)])
    wall = median(cost.wall for cost in told["pass"]) * 1e3
    report.add(f"\n## An import\n\nOver `python -c pass`, which takes {wall:.1f} ms: {PROCESS_ROUNDS} rounds.\n")
    report.table(["", "wall, ms", "CPU, ms"], rows)


def whole_processes(report: Report) -> None:
    told = processes({name: script(f"import peers; peers.peer({name!r})(1)") for name in PEERS})
    report.add(f"\n## A whole process of Python that deletes one token\n\n{PROCESS_ROUNDS} rounds.\n")
    costs(report, "ms", 1e3, told, {OURS: "ours"})


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
        told = process.stdout.readline().split()
        if len(told) != 2:
            raise RuntimeError(f"{process.args} ended")
        return Cost(float(told[0]) / CALLS, float(told[1]) / CALLS)

    def end(self) -> None:
        self._process.communicate()
        if self._process.returncode:
            raise RuntimeError(f"{self._process.args} ended with {self._process.returncode}")


def system_calls(command: list[str]) -> str:
    """How many system calls one warm call makes, in all threads of its process."""
    if shutil.which("strace") is None:
        return "-"

    def count(calls: int) -> int:
        with tempfile.NamedTemporaryFile("r") as table:
            watched = ["strace", "-f", "-c", "-o", table.name, *command]
            subprocess.run(watched, env=ENVIRONMENT, input=f"20\n{calls}\n", text=True, check=True, capture_output=True)
            [total] = [line for line in table if line.rstrip().endswith(" total")]
        return int(total.split()[3])

    return f"{(count(MANY) - count(FEW)) / (MANY - FEW):.1f}"


def warm_calls(report: Report, title: str, commands: dict[str, list[str]], bases: dict[str, str]) -> None:
    served = {name: Served(command) for name, command in commands.items()}
    told = rounds(CALL_ROUNDS, {name: one.call for name, one in served.items()})
    for one in served.values():
        one.end()
    counted = {name: system_calls(command) for name, command in commands.items()}
    report.add(f"\n## {title}\n\n{CALL_ROUNDS} rounds of {CALLS} calls.\n")
    costs(report, "us", 1e6, told, bases, counted)


def stay_on_one_processor() -> str:
    """Keeps what is started from now on there."""
    if not hasattr(os, "sched_setaffinity"):
        return "not pinned to a processor"
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    return "clients and server pinned to one processor"


def processor() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def load() -> str:
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--core", required=True)
    options.add_argument("--c")
    options.add_argument("--reqwest")
    options.add_argument("--write")
    given = options.parse_args()
    processors, before = os.cpu_count(), load()
    pinned = stay_on_one_processor()
    pipe = subprocess.PIPE
    # It ends with this process, whose end of the pipe is its input.
    server = subprocess.Popen([given.core, "serve"], stdin=pipe, stdout=pipe, text=True)
    assert server.stdout is not None
    ENVIRONMENT["MPT_API_BASE_URL"] = server.stdout.readline().strip()

    native = {RAW: [given.core, "raw"], CORE: [given.core, "core"], "bare ureq": [given.core, "ureq"]}
    versions: list[str] = []
    if given.reqwest:
        native["reqwest, blocking"] = [given.reqwest]
    if given.c:
        native[LIBRARY] = [given.c, "mpt-tokens"]
        curl = subprocess.run([given.c, "libcurl-version"], capture_output=True, text=True)
        if curl.returncode == 0:
            native["libcurl"] = [given.c, "libcurl"]
            versions.append(curl.stdout.split()[0].replace("/", " "))
    versions.append(f"CPython {platform.python_version()}")
    versions += [f"{name} {version(name)}" for name in PYTHON_PACKAGES]

    report = Report()
    warm_calls(report, "A warm call, from Rust and C", native, {RAW: "raw"})
    python = {CORE: [given.core, "core"]} | {name: serving(name) for name in PEERS if name != BARE}
    warm_calls(report, "A warm call, from Python", python, {CORE: "core", OURS: "ours"})
    whole_processes(report)
    imports(report)
    about = (
        f"{datetime.now(timezone.utc):%Y-%m-%d}; {processor()}, {processors} processors, {platform.system()} "
        f"{platform.release().split('-')[0]}; {pinned}; load {before} before and {load()} after.\n\n"
        f"{', '.join(versions)}."
    )
    print(f"\n{about}")
    if given.write:
        write(given.write, f"{about}\n" + "\n".join(report.lines) + "\n")


def write(path: str, text: str) -> None:
    """Puts what was measured in its place in the document."""
    begin, end = "<!-- measured:begin -->\n", "<!-- measured:end -->"
    with open(path) as file:
        before, rest = file.read().split(begin)
        _, after = rest.split(end)
    with open(path, "w") as file:
        file.write(f"{before}{begin}\n{text}\n{end}{after}")


if __name__ == "__main__":
    main()
