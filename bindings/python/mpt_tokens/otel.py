"""Spans of OpenTelemetry for the attempts of calls. Needs ``pip install 'mpt-tokens[otel]'``.

    from mpt_tokens import Client
    from mpt_tokens.otel import current_trace_parent, spans

    with Client(on_attempt=spans()) as client:
        client.delete_token("TKN-1671-0642", trace_parent=current_trace_parent())
"""

from __future__ import annotations

import time
from collections.abc import Callable
from urllib.parse import urlsplit

from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode, TracerProvider
from opentelemetry.util.types import AttributeValue

from ._native import __version__
from ._outcome import AttemptEvent

__all__ = ["current_trace_parent", "spans"]


def current_trace_parent() -> str | None:
    """Returns the current span as a W3C ``traceparent``: the ``trace_parent`` of a call that belongs to it.

    The Marketplace then gets the same trace id. ``None`` if there is no current span.
    """
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"


def spans(
    tracer_provider: TracerProvider | None = None, *, base_url: str | None = None
) -> Callable[[AttemptEvent], None]:
    """Returns a function for ``on_attempt`` that records a span for each attempt, within the current span.

    Each is a client span named ``DELETE`` with the attributes of HTTP's semantic conventions: ``http.request.method``,
    ``http.response.status_code``, ``http.request.resend_count``, ``error.type``; and ``mpt.token_id``, ``mpt.trace_id``
    (the trace id that the Marketplace got). Its status is an error if the attempt did not delete the token.

    In a batch the spans belong to the span in which it is iterated.

    Args:
        tracer_provider: Where spans go; by default the global one.
        base_url: Gives the spans ``server.address`` and ``server.port``.
    """
    tracer = trace.get_tracer("mpt_tokens", __version__, tracer_provider)
    server: dict[str, AttributeValue] = {}
    if base_url is not None:
        url = urlsplit(base_url)
        server["server.address"] = url.hostname or ""
        server["server.port"] = url.port or (80 if url.scheme == "http" else 443)

    def on_attempt(event: AttemptEvent) -> None:
        attempt = event.attempt
        end = time.time_ns()
        attributes: dict[str, AttributeValue] = {
            "http.request.method": "DELETE",
            "mpt.token_id": event.token_id,
            "mpt.trace_id": event.trace_id,
            **server,
        }
        if attempt.number > 1:
            attributes["http.request.resend_count"] = attempt.number - 1
        if attempt.http_status is not None:
            attributes["http.response.status_code"] = attempt.http_status
        if event.code != "ok":
            attributes["error.type"] = event.code if attempt.http_status is None else str(attempt.http_status)
        start = end - round(attempt.elapsed * 1e9)
        span = tracer.start_span("DELETE", kind=SpanKind.CLIENT, attributes=attributes, start_time=start)
        if event.code != "ok":
            span.set_status(Status(StatusCode.ERROR, event.code))
        span.end(end)

    return on_attempt
