"""With libraries that run tasks in their own way: gevent, eventlet and trio, as the README says."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import textwrap

import mpt_tokens
import pytest

PROLOGUE = """
    import json, logging, os, sys
    import mpt_tokens

    options = json.loads(sys.argv[1])
"""

PROGRAMS = {
    # The workers of the batch, the greenlets and the handler share a lock that gevent has replaced.
    "gevent, a batch that logs": """
        from gevent import monkey; monkey.patch_all()
        PROLOGUE
        logging.basicConfig(level=logging.DEBUG, filename=os.devnull)
        with mpt_tokens.Client(**options) as client:
            ids = (f"TKN-ok-green{number}" for number in range(3000))
            assert sum(outcome.is_success for outcome in client.delete_tokens(ids)) == 3000
    """,
    "gevent, greenlets go on": """
        from gevent import monkey; monkey.patch_all()
        import gevent
        PROLOGUE
        ticks = []
        with mpt_tokens.Client(**options) as client:
            call = gevent.get_hub().threadpool.spawn(client.delete_token, "TKN-slow~300-green")
            while not call.ready():
                ticks.append(gevent.sleep(0.01))
            assert call.get().outcome == "deleted"
        assert len(ticks) > 1
    """,
    "eventlet, green threads go on": """
        import eventlet; eventlet.monkey_patch()
        from eventlet import tpool
        PROLOGUE
        ticks = []

        def tick():
            while True:
                ticks.append(eventlet.sleep(0.01))

        with mpt_tokens.Client(**options) as client:
            ticking = eventlet.spawn(tick)
            assert tpool.execute(client.delete_token, "TKN-slow~300-greenlet").outcome == "deleted"
            ticking.kill()
        assert len(ticks) > 1
    """,
    "eventlet, a batch that logs": """
        import eventlet; eventlet.monkey_patch()
        PROLOGUE
        logging.basicConfig(level=logging.DEBUG, filename=os.devnull)
        with mpt_tokens.Client(**options) as client:
            ids = (f"TKN-ok-greenest{number}" for number in range(3000))
            assert sum(outcome.is_success for outcome in client.delete_tokens(ids)) == 3000
    """,
    "trio, tasks go on": """
        import trio
        PROLOGUE
        ticks = []

        async def tick():
            while True:
                ticks.append(await trio.sleep(0.01))

        async def main():
            with mpt_tokens.Client(**options) as client:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(tick)
                    outcome = await trio.to_thread.run_sync(client.delete_token, "TKN-slow~300-trio")
                    assert outcome.outcome == "deleted"
                    nursery.cancel_scope.cancel()

        trio.run(main)
        assert len(ticks) > 1
    """,
    "trio, the client for asyncio": """
        import trio
        PROLOGUE

        async def main():
            async with mpt_tokens.AsyncClient(**options) as client:
                value = "idt:TKN-9000-9001:" + "abcdefghijklmnopqrst"
                batch = client.delete_tokens(["TKN-ok-trio"])
                for call in (client.delete_token("TKN-ok-trio"), client.prove_deleted(value), batch.__anext__()):
                    try:
                        await call
                    except RuntimeError as error:
                        assert "asyncio only" in str(error), error
                    else:
                        raise AssertionError("it was accepted")

        trio.run(main)
    """,
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_the_readme_says(sandbox: mpt_tokens.Sandbox, program: str) -> None:
    library = program.split(",")[0]
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    body = textwrap.dedent(PROGRAMS[program]).replace("PROLOGUE", textwrap.dedent(PROLOGUE))
    options = json.dumps(dict(sandbox.options))
    # Of these libraries, not of the package: what they warn of.
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", body, options], capture_output=True, text=True, timeout=50
    )
    assert (done.returncode, done.stderr) == (0, "")
