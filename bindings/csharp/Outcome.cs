using System;

namespace MptTokens
{
    /// <summary>Why a batch stopped before the end of its list.</summary>
    public sealed class Stopped
    {
        internal Stopped(string reason, string code, string message, ulong skipped, ulong notPulled)
        {
            Reason = reason;
            Code = code;
            Message = message;
            Skipped = (long)skipped;
            NotPulled = (long)notPulled;
        }

        /// <summary>unauthorized, paused, no_answer, journal, asked or cancelled.</summary>
        public string Reason { get; }

        /// <summary>The code that comes nearest, such as unauthorized.</summary>
        public string Code { get; }

        /// <summary>What happened, and what to do.</summary>
        public string Message { get; }

        /// <summary>Ids that were pulled and not tried: their outcomes say so.</summary>
        public long Skipped { get; }

        /// <summary>Ids that were not reached: they have no outcome.</summary>
        public long NotPulled { get; }

        /// <summary>The message.</summary>
        public override string ToString() => Message;
    }

    /// <summary>The result of a call for one token. What is not known is null.</summary>
    public sealed class Outcome
    {
        Outcome(IntPtr outcome)
        {
            var status = Native.mpt_outcome_http_status(outcome);
            var wait = Native.mpt_outcome_retry_after_ms(outcome);
            Id = Native.Text(Native.mpt_outcome_token_id(outcome));
            Kind = Native.Text(Native.mpt_outcome_name(Native.mpt_outcome_kind(outcome)));
            Code = Native.Text(Native.mpt_code_name(Native.mpt_outcome_code(outcome)));
            HttpStatus = status == 0 ? default(int?) : status;
            Attempts = (int)Native.mpt_outcome_attempts(outcome);
            Rounds = (int)Native.mpt_outcome_rounds(outcome);
            Title = Native.Text(Native.mpt_outcome_title(outcome));
            Detail = Native.Text(Native.mpt_outcome_detail(outcome));
            Message = Native.Text(Native.mpt_outcome_message(outcome));
            Retryable = Native.mpt_outcome_retryable(outcome) != 0;
            RetryAfter = wait < 0 ? default(TimeSpan?) : TimeSpan.FromMilliseconds(wait);
            TraceId = Native.Text(Native.mpt_outcome_trace_id(outcome));
            ServerTraceId = Native.Text(Native.mpt_outcome_server_trace_id(outcome));
            Elapsed = TimeSpan.FromMilliseconds(Native.mpt_outcome_elapsed_us(outcome) / 1000.0);
            SettledAt = DateTimeOffset.FromUnixTimeMilliseconds(Native.mpt_outcome_settled_at_ms(outcome));
            Json = Native.Text(Native.mpt_outcome_json(outcome));
        }

        public string Id { get; }
        /// <summary>What is true of the token: "deleted", "gone", "not_deleted" or "unknown" (try again).</summary>
        public string Kind { get; }
        /// <summary>What happened: "ok", "not_found", "timeout"...</summary>
        public string Code { get; }
        /// <summary>The status of the last response.</summary>
        public int? HttpStatus { get; }
        /// <summary>The number of attempts.</summary>
        public int Attempts { get; }
        /// <summary>The number of calls for the token: more than 1 if a batch put it off and tried it again.</summary>
        public int Rounds { get; }
        /// <summary>The title of the server's problem details.</summary>
        public string Title { get; }
        /// <summary>The detail of the server's problem details.</summary>
        public string Detail { get; }
        /// <summary>One sentence: what happened, what is true, what to do.</summary>
        public string Message { get; }
        /// <summary>True if trying again later can change the result; false if the token is dead or somebody must act
        /// first.</summary>
        public bool Retryable { get; }
        /// <summary>How long the server asked to wait.</summary>
        public TimeSpan? RetryAfter { get; }
        /// <summary>The W3C trace id that was sent with every attempt.</summary>
        public string TraceId { get; }
        /// <summary>The server's own trace id, for its support.</summary>
        public string ServerTraceId { get; }
        public TimeSpan Elapsed { get; }
        /// <summary>When this became known, in UTC.</summary>
        public DateTimeOffset SettledAt { get; }
        /// <summary>All of this as JSON, with each attempt and every member of the problem details.</summary>
        public string Json { get; }

        /// <summary>True if the token is dead: deleted or gone.</summary>
        public bool IsDead => Code == "ok";

        public override string ToString() => Message;

        // Reads a native outcome and frees it.
        internal static Outcome Take(IntPtr outcome)
        {
            try
            {
                return new Outcome(outcome);
            }
            finally
            {
                Native.mpt_outcome_free(outcome);
            }
        }
    }
}
