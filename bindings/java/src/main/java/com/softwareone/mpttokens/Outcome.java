package com.softwareone.mpttokens;

import static com.softwareone.mpttokens.Native.LIBRARY;

import com.sun.jna.Pointer;
import java.io.Serializable;
import java.time.Duration;
import java.time.Instant;

/**
 * The result of a call for one token. What is not known is null.
 *
 * @param id the token id
 * @param kind what is true of the token: "deleted", "gone", "not_deleted" or "unknown" (try again)
 * @param code what happened: "ok", "not_found", "timeout"...
 * @param httpStatus the status of the last response
 * @param attempts the number of attempts
 * @param rounds the number of calls for the token: more than 1 if a batch put it off and tried it again
 * @param title the title of the server's problem details
 * @param detail the detail of the server's problem details
 * @param message one sentence: what happened, what is true, what to do
 * @param retryable true if trying again later can change the result; false if the token is dead or somebody must act
 * first
 * @param retryAfter how long the server asked to wait
 * @param traceId the W3C trace id that was sent with every attempt
 * @param serverTraceId the server's own trace id, for its support
 * @param elapsed how long the call took, including pauses
 * @param settledAt when this became known
 * @param json all of this as JSON, with each attempt and every member of the problem details
 */
public record Outcome(
        String id,
        String kind,
        String code,
        Integer httpStatus,
        int attempts,
        int rounds,
        String title,
        String detail,
        String message,
        boolean retryable,
        Duration retryAfter,
        String traceId,
        String serverTraceId,
        Duration elapsed,
        Instant settledAt,
        String json)
        implements Serializable {

    /** True if the token is dead: deleted or gone. */
    public boolean isDead() {
        return code.equals("ok");
    }

    /** Reads a native outcome and frees it; null for null. */
    static Outcome take(Pointer pointer) {
        if (pointer == null) {
            return null;
        }
        try {
            int status = LIBRARY.mpt_outcome_http_status(pointer);
            long wait = LIBRARY.mpt_outcome_retry_after_ms(pointer);
            return new Outcome(
                    LIBRARY.mpt_outcome_token_id(pointer),
                    LIBRARY.mpt_outcome_name(LIBRARY.mpt_outcome_kind(pointer)),
                    LIBRARY.mpt_code_name(LIBRARY.mpt_outcome_code(pointer)),
                    status == 0 ? null : Integer.valueOf(status),
                    LIBRARY.mpt_outcome_attempts(pointer),
                    LIBRARY.mpt_outcome_rounds(pointer),
                    LIBRARY.mpt_outcome_title(pointer),
                    LIBRARY.mpt_outcome_detail(pointer),
                    LIBRARY.mpt_outcome_message(pointer),
                    LIBRARY.mpt_outcome_retryable(pointer) != 0,
                    wait < 0 ? null : Duration.ofMillis(wait),
                    LIBRARY.mpt_outcome_trace_id(pointer),
                    LIBRARY.mpt_outcome_server_trace_id(pointer),
                    Duration.ofNanos(LIBRARY.mpt_outcome_elapsed_us(pointer) * 1000),
                    Instant.ofEpochMilli(LIBRARY.mpt_outcome_settled_at_ms(pointer)),
                    LIBRARY.mpt_outcome_json(pointer));
        } finally {
            LIBRARY.mpt_outcome_free(pointer);
        }
    }
}
