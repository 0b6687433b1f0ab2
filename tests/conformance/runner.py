"""The conformance runner of the Python package: see README.md beside this file. With `--asyncio`: of its AsyncClient."""

import asyncio
import logging
import sys
import threading
from urllib.parse import parse_qsl, urlencode

import mpt_tokens

NAMES = {"timeout_ms": "timeout", "attempt_timeout_ms": "attempt_timeout", "connect_timeout_ms": "connect_timeout"}
FLAGS = {"missing_ok", "allow_own_token", "burn_only"}
TEXTS = {"api_token", "base_url", "ca_file", "proxy"}


def tell(outcome, raised, shown):
    fields = {
        "id": outcome.id,
        "outcome": outcome.outcome,
        "code": outcome.code,
        "http_status": outcome.http_status,
        "attempts": len(outcome.attempts),
        "rounds": outcome.rounds,
        "settled_at_ms": int(outcome.settled_at.timestamp() * 1000),
        "title": outcome.problem and outcome.problem.title,
        "detail": outcome.problem and outcome.problem.detail,
        "message": outcome.message,
        "retryable": int(outcome.retryable),
        "retry_after": outcome.retry_after,
        "trace_id": outcome.trace_id,
        "raised": raised,
        "shown": repr(shown),
    }
    print(urlencode({name: "" if value is None else value for name, value in fields.items()}))


def tell_stop(batch):
    if batch.stopped is None:
        return
    summary = batch.summary
    fields = {
        "stopped": batch.stopped.reason,
        "stopped_code": batch.stopped.code,
        "stopped_message": batch.stopped.message,
        "skipped": summary.skipped,
        "not_pulled": summary.not_pulled,
    }
    print(urlencode(fields))


def refused(error):
    # One class for each code; all of them are an Error.
    tell(error.report, "mpt_tokens.Error", error)


def read(line):
    """The ids, the options of the client, and the rest."""
    ids, options, rest = [], {}, {}
    for name, value in parse_qsl(line, keep_blank_values=True, strict_parsing=True):
        if name == "id":
            ids.append(value)
        elif name in NAMES:
            options[NAMES[name]] = int(value) / 1000
        elif name in FLAGS:
            options[name] = value == "1"
        elif name in TEXTS:
            options[name] = value
        elif name == "attempts":
            options[name] = int(value)
        else:
            rest[name] = value
    if "backoff_base_ms" in rest:
        options["backoff"] = (int(rest["backoff_base_ms"]) / 1000, int(rest["backoff_cap_ms"]) / 1000)
    return ids, options, rest


def begin(client, rest):
    if rest.get("cancel") == "before":
        client.cancel()
    elif rest.get("cancel") == "during":
        threading.Thread(target=lambda: sys.stdin.readline() and client.cancel()).start()
    how = {"concurrency": int(rest["concurrency"])} if "concurrency" in rest else {}
    if "patience_ms" in rest:
        how["patience"] = int(rest["patience_ms"]) / 1000
    return how


def answer(line):
    ids, options, rest = read(line)
    with mpt_tokens.Client(**options) as client:
        how = begin(client, rest)
        many = client.burn_tokens if rest["call"] == "burn_batch" else client.delete_tokens
        if rest["call"].endswith("batch"):
            with many(ids, **how) as batch:
                for count, outcome in enumerate(batch, 1):
                    tell(outcome, "", client)
                    if str(count) == rest.get("stop_after"):
                        break
            tell_stop(batch)
            return
        for token_id in ids:
            try:
                call = client.burn if rest["call"] == "burn" else client.delete_token
                tell(call(token_id), "", client)
            except mpt_tokens.Error as error:
                refused(error)


async def answer_async(line):
    ids, options, rest = read(line)
    async with mpt_tokens.AsyncClient(**options) as client:
        how = begin(client, rest)
        many = client.burn_tokens if rest["call"] == "burn_batch" else client.delete_tokens
        if rest["call"].endswith("batch"):
            async with many(ids, **how) as batch:
                count = 0
                async for outcome in batch:
                    tell(outcome, "", client)
                    count += 1
                    if str(count) == rest.get("stop_after"):
                        break
            tell_stop(batch)
            return
        for token_id in ids:
            try:
                call = client.burn if rest["call"] == "burn" else client.delete_token
                tell(await call(token_id), "", client)
            except mpt_tokens.Error as error:
                refused(error)


def main():
    # What the package logs would go to standard error, which is for what goes wrong here.
    logging.getLogger("mpt_tokens").addHandler(logging.NullHandler())
    with_asyncio = sys.argv[1:] == ["--asyncio"]
    for line in iter(sys.stdin.readline, ""):
        try:
            if with_asyncio:
                asyncio.run(answer_async(line.rstrip("\n")))
            else:
                answer(line.rstrip("\n"))
        except mpt_tokens.Error as error:
            refused(error)
        print(flush=True)


main()
