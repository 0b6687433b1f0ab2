"""What is said of a token, and what is true: mpt-tokens and `kingfisher revoke` against every fault of the sandbox.

usage: truth.py MPT-TOKENS

Each deletes a token with its own value as the credential, at a server that answers one request with a fault and then
keeps the contract. Prints tables in Markdown. `cargo xtask bench truth` runs it. Everything happens on loopback.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROGRAM = str(Path(sys.argv[1]).resolve())
KINGFISHER = str(Path(sys.executable).parent / "kingfisher")
API = "https://api.platform.softwareone.com"
# Seconds for one attempt: some faults are silence.
TIMEOUT = 3
# What each word says: that the token is dead; that this call did not delete it; or nothing.
DEAD = {"deleted", "gone", "succeeded"}
NOT_DELETED = {"not_deleted", "failed"}


def faults() -> "list[str]":
    """All that the sandbox can do, in the order of its own table."""
    shown = subprocess.run([PROGRAM, "sandbox", "--help"], text=True, capture_output=True, check=True).stdout
    table = shown.split("The contract's answer, well or oddly formed:")[1]
    return [line.split()[0].split("~")[0] for line in table.splitlines() if re.match(r"  \S", line)]


class Sandbox:
    """One server for one client, which remembers what it did."""

    def __init__(self) -> None:
        command = [PROGRAM, "sandbox", "--format", "ndjson"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        about = json.loads(self.process.stdout.readline())
        self.base_url = about["base_url"]
        self.secret = about["api_token"].rsplit(":", 1)[1]

    def get(self, path: str) -> "dict[str, object]":
        with urllib.request.urlopen(f"{self.base_url}{path}") as answer:
            return json.load(answer)

    def truth(self, token: str) -> "tuple[bool, bool]":
        """Whether the token is dead, and whether a request deleted it."""
        try:
            about = self.get(f"/public/v1/accounts/api-tokens/{token}")
        except urllib.error.HTTPError:
            return False, False
        return about["status"] == "Deleted", about["deletedBy"] is not None

    def end(self) -> None:
        self.process.terminate()
        self.process.wait()


def mpt_tokens(sandbox: Sandbox, value: str, folder: Path, form: str = "json") -> "tuple[str, str]":
    token = value.split(":")[1]
    form = "ndjson" if form == "json" else form
    done = subprocess.run(
        [
            PROGRAM, "delete", token, "--yes", "--any-id", "--allow-own-token", "--timeout", f"{TIMEOUT}s", "--format", form,
        ],
        env={"MPT_API_BASE_URL": sandbox.base_url, "MPT_API_TOKEN": value},
        stdin=subprocess.DEVNULL, text=True, capture_output=True,
    )
    return json.loads(done.stdout)["outcome"] if form == "ndjson" else "", done.stdout + done.stderr


def kingfisher(sandbox: Sandbox, value: str, folder: Path, form: str = "json") -> "tuple[str, str]":
    rules = folder / "rules.yml"
    rules.write_text((HERE / "kingfisher.yml").read_text().replace(API, sandbox.base_url))
    done = subprocess.run(
        [
            KINGFISHER, "revoke", "--rule", "custom.softwareone.marketplace-api-token", "--rules-path", rules, "--no-builtins",
            "--allow-internal-ips", "--no-update-check", "--timeout", str(TIMEOUT), "--format", form, "-",
        ],
        input=value, env={**os.environ, "HOME": str(folder)}, text=True, capture_output=True,
    )
    said = json.loads(done.stdout)["revocation_status"] if form == "json" else ""
    return said, done.stdout + done.stderr


@dataclass
class Seen:
    """What was said of one token, and what is true."""

    said: str
    dead: bool
    deleted: bool
    seconds: float
    shown: str
    secret: str

    @property
    def is_unknown(self) -> bool:
        return self.said not in DEAD | NOT_DELETED

    @property
    def is_false(self) -> bool:
        return (self.said in DEAD and not self.dead) or (self.said in NOT_DELETED and self.deleted)

    def __str__(self) -> str:
        false = ", **which is false**" if self.is_false else ""
        return f"{self.said}{false} | {'dead' if self.dead else 'alive'}"


def main() -> None:
    rows = []
    ours, theirs = Sandbox(), Sandbox()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for fault in faults():
            seen = []
            for sandbox, ask in ((ours, mpt_tokens), (theirs, kingfisher)):
                token = f"TKN-{fault}-1"
                begun = time.monotonic()
                said, shown = ask(sandbox, f"idt:{token}:{sandbox.secret}", folder)
                seconds = time.monotonic() - begun
                # The same again, as people see it.
                shown += ask(sandbox, f"idt:TKN-{fault}-2:{sandbox.secret}", folder, "text")[1]
                seen.append(Seen(said, *sandbox.truth(token), seconds, shown, sandbox.secret))
            rows.append((fault, seen))
            print(".", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
        stats = [sandbox.get("/sandbox/stats") for sandbox in (ours, theirs)]
        ours.end()
        theirs.end()

    version = subprocess.run([KINGFISHER, "--version"], text=True, capture_output=True, check=True).stdout.strip()
    print(f"{version}, {len(rows)} faults:\n")
    print("| mpt-tokens | the token | kingfisher revoke | the token | one fault, then the contract |")
    print("| --- | --- | --- | --- | --- |")
    alike: "dict[str, list[str]]" = {}
    for fault, (one, two) in rows:
        alike.setdefault(f"| {one} | {two} |", []).append(f"`{fault}`")
    for said, names in alike.items():
        print(f"{said} {', '.join(names)} |")
    print()
    print(f"| of {len(rows)} faults | mpt-tokens | kingfisher revoke |")
    print("| --- | --- | --- |")
    sides = [[seen[side] for _, seen in rows] for side in (0, 1)]

    def line(what: str, count: "Callable[[Seen], bool]") -> None:
        print(f"| {what} | {' | '.join(str(sum(map(count, side))) for side in sides)} |")

    line("said rightly that the token is dead", lambda it: it.said in DEAD and not it.is_false)
    line("said rightly that it did not delete the token", lambda it: it.said in NOT_DELETED and not it.is_false)
    line("did not know", lambda it: it.is_unknown)
    line("said what is false", lambda it: it.is_false)
    print(f"| requests that followed a redirect, in two runs of each fault | {' | '.join(str(it['elsewhere']) for it in stats)} |")
    line("passed control characters of the server on", lambda it: "\x1b" in it.shown)
    line("showed the credential", lambda it: it.secret in it.shown)
    print(f"| seconds, the longest | {' | '.join(f'{max(it.seconds for it in side):.1f}' for side in sides)} |")


main()
