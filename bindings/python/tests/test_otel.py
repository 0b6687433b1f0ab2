"""Spans of OpenTelemetry, recorded by its own SDK."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import mpt_tokens
import pytest
from mpt_tokens.otel import current_trace_parent, spans
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode


class Recorded:
    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.tracer = self.provider.get_tracer("test")

    def attempts(self) -> list[ReadableSpan]:
        return [span for span in self.exporter.get_finished_spans() if span.kind is SpanKind.CLIENT]


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    recorded = Recorded()
    yield recorded
    recorded.provider.shutdown()


def trace_id(span: ReadableSpan) -> str:
    context = span.get_span_context()
    assert context is not None
    return f"{context.trace_id:032x}"


def test_each_attempt_is_a_span_of_the_callers_trace(sandbox: mpt_tokens.Sandbox, recorded: Recorded) -> None:
    on_attempt = spans(recorded.provider, base_url=sandbox.base_url)
    with mpt_tokens.Client(**sandbox.options, backoff=(0.001, 0.01), on_attempt=on_attempt) as client:
        with recorded.tracer.start_as_current_span("revoke") as outer:
            parent = outer.get_span_context()
            outcome = client.delete_token("TKN-503-otel1", trace_parent=current_trace_parent())
    first, second = recorded.attempts()
    assert [trace_id(first), trace_id(second)] == [outcome.trace_id] * 2 == [f"{parent.trace_id:032x}"] * 2
    assert first.parent is not None
    assert first.parent.span_id == parent.span_id
    assert first.name == "DELETE"
    assert first.status.status_code is StatusCode.ERROR
    assert second.status.status_code is StatusCode.UNSET
    assert first.attributes is not None
    assert second.attributes is not None
    assert first.attributes["http.request.method"] == "DELETE"
    assert first.attributes["http.response.status_code"] == 503
    assert first.attributes["error.type"] == "503"
    assert first.attributes["server.address"] == "127.0.0.1"
    assert first.attributes["server.port"] == int(sandbox.base_url.rsplit(":", 1)[1])
    assert "http.request.resend_count" not in first.attributes
    assert second.attributes["http.request.resend_count"] == 1
    assert second.attributes["http.response.status_code"] == 204
    assert second.attributes["mpt.token_id"] == "TKN-503-otel1"
    assert "error.type" not in second.attributes
    assert first.start_time is not None
    assert first.end_time is not None
    assert first.start_time <= first.end_time


def test_a_lost_answer_has_its_code(sandbox: mpt_tokens.Sandbox, recorded: Recorded) -> None:
    with mpt_tokens.Client(
        **sandbox.options, backoff=(0.001, 0.01), on_attempt=spans(recorded.provider)
    ) as client:
        assert client.delete_token("TKN-answerlost-otel2").outcome == "gone"
    first, _ = recorded.attempts()
    assert first.attributes is not None
    assert first.attributes["error.type"] == "connection_lost"
    assert "http.response.status_code" not in first.attributes


def test_with_asyncio_the_span_is_within_that_of_the_task(sandbox: mpt_tokens.Sandbox, recorded: Recorded) -> None:
    async def main() -> int:
        on_attempt = spans(recorded.provider)
        async with mpt_tokens.AsyncClient(**sandbox.options, backoff=(0.001, 0.01), on_attempt=on_attempt) as client:
            with recorded.tracer.start_as_current_span("revoke") as outer:
                await client.delete_token("TKN-503-otel3")
                return outer.get_span_context().span_id

    outer = asyncio.run(main())
    parents = [span.parent and span.parent.span_id for span in recorded.attempts()]
    assert parents == [outer, outer]


def test_no_span_is_no_trace_parent() -> None:
    assert current_trace_parent() is None
