"""The peers: each deletes one token of a loopback server many times, as its own documentation says to do it.

Nothing is imported before its peer is asked for: whole processes are measured too.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Many = Callable[[int], None]

TOKEN_ID = "TKN-1671-0642"
PATH = f"/public/v1/accounts/api-tokens/{TOKEN_ID}"


def _headers(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _check(status: int) -> None:
    if status != 204:
        raise RuntimeError(f"the answer is {status}: expected 204")


def _mpt_tokens(url: str, token: str) -> Many:
    import mpt_tokens

    client = mpt_tokens.Client(base_url=url, api_token=token)

    def many(count: int) -> None:
        for _ in range(count):
            client.delete_token(TOKEN_ID)

    return many


def _mpt_tokens_asyncio(url: str, token: str) -> Many:
    import asyncio

    import mpt_tokens

    client = mpt_tokens.AsyncClient(base_url=url, api_token=token)
    loop = asyncio.new_event_loop()

    async def calls(count: int) -> None:
        for _ in range(count):
            await client.delete_token(TOKEN_ID)

    return lambda count: loop.run_until_complete(calls(count))


def _http_client(url: str, token: str) -> Many:
    from http.client import HTTPConnection

    connection = HTTPConnection(url.removeprefix("http://"), timeout=60)
    headers = _headers(token)

    def many(count: int) -> None:
        for _ in range(count):
            connection.request("DELETE", PATH, headers=headers)
            answer = connection.getresponse()
            answer.read()
            _check(answer.status)

    return many


def _urllib3(url: str, token: str) -> Many:
    import urllib3

    pool = urllib3.PoolManager(headers=_headers(token), timeout=60)

    def many(count: int) -> None:
        for _ in range(count):
            _check(pool.request("DELETE", url + PATH).status)

    return many


def _requests(url: str, token: str) -> Many:
    import requests

    session = requests.Session()
    session.headers.update(_headers(token))

    def many(count: int) -> None:
        for _ in range(count):
            _check(session.delete(url + PATH, timeout=60).status_code)

    return many


def _httpx(url: str, token: str) -> Many:
    import httpx

    client = httpx.Client(base_url=url, headers=_headers(token), timeout=60)

    def many(count: int) -> None:
        for _ in range(count):
            _check(client.delete(PATH).status_code)

    return many


def _aiohttp(url: str, token: str) -> Many:
    import asyncio
    import atexit

    import aiohttp

    loop = asyncio.new_event_loop()

    async def start() -> aiohttp.ClientSession:
        limit = aiohttp.ClientTimeout(total=60)
        return aiohttp.ClientSession(url, headers=_headers(token), timeout=limit)

    session = loop.run_until_complete(start())
    # It complains otherwise; the others let go by themselves.
    atexit.register(lambda: loop.run_until_complete(session.close()))

    async def calls(count: int) -> None:
        for _ in range(count):
            async with session.delete(PATH) as answer:
                _check(answer.status)

    return lambda count: loop.run_until_complete(calls(count))


def _official(url: str, token: str) -> Many:
    from mpt_api_client import MPTClient
    from mpt_api_client.auth import BearerTokenAuthentication

    client = MPTClient.from_config(BearerTokenAuthentication(token), url)

    def many(count: int) -> None:
        for _ in range(count):
            client.accounts.api_tokens.delete(TOKEN_ID)

    return many


def _nothing(url: str, token: str) -> Many:
    def many(count: int) -> None:
        pass

    return many


BARE = "python -c pass"
OURS = "mpt-tokens"

#: By the name of the package, which is also what its version is asked by.
PEERS: dict[str, Callable[[str, str], Many]] = {
    BARE: _nothing,
    OURS: _mpt_tokens,
    "mpt-tokens, asyncio": _mpt_tokens_asyncio,
    "http.client": _http_client,
    "urllib3": _urllib3,
    "requests": _requests,
    "httpx": _httpx,
    "aiohttp": _aiohttp,
    "mpt-api-client": _official,
}


def peer(name: str) -> Many:
    """Sets a peer up for the server that the environment names."""
    return PEERS[name](os.environ["MPT_API_BASE_URL"], os.environ["MPT_API_TOKEN"])


def serve(name: str) -> None:
    """Makes as many calls as each line of standard input asks for, and tells the seconds that they took."""
    import sys
    from time import perf_counter, process_time

    many = peer(name)
    for line in sys.stdin:
        wall, cpu = perf_counter(), process_time()
        many(int(line))
        print(perf_counter() - wall, process_time() - cpu, flush=True)
