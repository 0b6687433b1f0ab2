"""One peer of ``cargo xtask bench throughput``: deletes numbered tokens for some seconds, so many at once.

Usage: throughput.py PEER CONCURRENCY SECONDS. The base URL and the API token come from the environment. Prints how
many tokens were deleted and how many seconds that took, from before the first call to after the last answer; to start
Python and to import the peer does not count. An answer other than 204 is an exception.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

BASE_URL = os.environ["MPT_API_BASE_URL"]
API_TOKEN = os.environ["MPT_API_TOKEN"]
TOKENS = f"{BASE_URL}/public/v1/accounts/api-tokens"
HEADERS = {"Authorization": f"Bearer {API_TOKEN}"}


class Ids:
    """The ids of the sandbox's numbered tokens, until the time is over; any thread may ask for the next."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._lock = threading.Lock()
        self._next = 1

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if time.monotonic() >= self._end:
            raise StopIteration
        with self._lock:
            n = self._next
            self._next += 1
        return f"TKN-{1000 + n // 10_000}-{n % 10_000:04}"


def in_threads(concurrency: int, ids: Ids, delete: Callable[[str], None]) -> int:
    """A thread takes one id after the other: less to do than a future for each id."""

    def work() -> int:
        deleted = 0
        for token_id in ids:
            delete(token_id)
            deleted += 1
        return deleted

    with ThreadPoolExecutor(concurrency) as pool:
        futures = [pool.submit(work) for _ in range(concurrency)]
        return sum(future.result() for future in futures)


def mpt_tokens(concurrency: int, seconds: float) -> tuple[int, float]:
    from mpt_tokens import Client

    with Client(api_token=API_TOKEN, base_url=BASE_URL) as client:
        started = time.monotonic()
        deleted = 0
        for outcome in client.delete_tokens(Ids(seconds), concurrency=concurrency):
            assert outcome.http_status == 204, outcome
            deleted += 1
        return deleted, time.monotonic() - started


def aiohttp(concurrency: int, seconds: float) -> tuple[int, float]:
    import asyncio

    import aiohttp

    async def run() -> tuple[int, float]:
        # One session and a pool of connections as large as the concurrency; as many tasks as calls at once.
        connector = aiohttp.TCPConnector(limit=concurrency)
        async with aiohttp.ClientSession(headers=HEADERS, connector=connector) as session:

            async def work(ids: Ids) -> int:
                deleted = 0
                for token_id in ids:
                    async with session.delete(f"{TOKENS}/{token_id}") as answer:
                        assert answer.status == 204, answer
                    deleted += 1
                return deleted

            started = time.monotonic()
            ids = Ids(seconds)
            deleted = sum(await asyncio.gather(*(work(ids) for _ in range(concurrency))))
            return deleted, time.monotonic() - started

    return asyncio.run(run())


def requests(concurrency: int, seconds: float) -> tuple[int, float]:
    import requests

    # A session is not promised to be safe in several threads: each has its own, and with it a connection of its own.
    local = threading.local()

    def delete(token_id: str) -> None:
        session = getattr(local, "session", None)
        if session is None:
            session = local.session = requests.Session()
            session.headers.update(HEADERS)
            # Else each call reads the environment and the netrc file again.
            session.trust_env = False
        answer = session.delete(f"{TOKENS}/{token_id}", timeout=60)
        assert answer.status_code == 204, answer

    started = time.monotonic()
    deleted = in_threads(concurrency, Ids(seconds), delete)
    return deleted, time.monotonic() - started


def mpt_api_client(concurrency: int, seconds: float) -> tuple[int, float]:
    from mpt_api_client import MPTClient
    from mpt_api_client.auth import BearerTokenAuthentication

    # One client for all threads: httpx, below it, is made for that.
    client = MPTClient.from_config(BearerTokenAuthentication(API_TOKEN), BASE_URL)
    tokens = client.accounts.api_tokens
    started = time.monotonic()
    deleted = in_threads(concurrency, Ids(seconds), tokens.delete)
    return deleted, time.monotonic() - started


PEERS = {
    "mpt_tokens": mpt_tokens,
    "aiohttp": aiohttp,
    "requests": requests,
    "mpt-api-client": mpt_api_client,
}


def main() -> None:
    peer, concurrency, seconds = sys.argv[1:]
    deleted, took = PEERS[peer](int(concurrency), float(seconds))
    print(deleted, took)


if __name__ == "__main__":
    main()
