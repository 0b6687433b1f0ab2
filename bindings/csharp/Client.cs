using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;

namespace MptTokens
{
    /// <summary>The settings of a client. What is null comes from the environment (MPT_API_TOKEN, MPT_API_BASE_URL, the
    /// usual proxy variables), or is the library's default.</summary>
    public sealed class ClientOptions
    {
        public string ApiToken { internal get; set; }
        public string BaseUrl { get; set; }
        /// <summary>The caller's part of the User-Agent; sent before the library's own.</summary>
        public string UserAgent { get; set; }
        /// <summary>A PEM file of certificate authorities to trust in addition to the platform's; with CaOnly, instead
        /// of them.</summary>
        public string CaFile { get; set; }
        public bool? CaOnly { get; set; }
        public string Proxy { internal get; set; }
        /// <summary>The time limit of a call over all attempts; 60 s by default.</summary>
        public TimeSpan? Timeout { get; set; }
        public TimeSpan? AttemptTimeout { get; set; }
        public TimeSpan? ConnectTimeout { get; set; }
        public int? Attempts { get; set; }
        /// <summary>The bounds of the pauses between attempts; set both or neither.</summary>
        public TimeSpan? BackoffBase { get; set; }
        public TimeSpan? BackoffCap { get; set; }
        /// <summary>If true, a token that the API does not know is a success ("gone").</summary>
        public bool? MissingOk { get; set; }
        public bool? AllowOwnToken { get; set; }
        /// <summary>If true, the client has no API token, not even that of the environment, and can only burn.</summary>
        public bool? BurnOnly { get; set; }
        public bool? AllowPlainHttp { get; set; }
    }

    /// <summary>A call after which the token is not known to be dead. If its CancellationToken ended it, this is the
    /// inner exception of an OperationCanceledException.</summary>
    public sealed class TokenException : Exception
    {
        internal TokenException(Outcome outcome) : base(outcome.Message) { Outcome = outcome; }

        /// <summary>All that is known; Outcome.Kind says whether the token may be dead anyway.</summary>
        public Outcome Outcome { get; }
    }

    /// <summary>Deletes tokens. Threads may share it; Dispose cancels the calls under way.</summary>
    public sealed class Client : IDisposable
    {
        readonly ClientHandle handle;
        readonly CancellationTokenSource closing = new CancellationTokenSource();

        /// <exception cref="TokenException">an option cannot be used</exception>
        public Client(ClientOptions options = null)
        {
            using (var config = Native.mpt_config_new_from_env())
            {
                Configure(config, options ?? new ClientOptions());
                Native.mpt_client_new(config, out handle, out var refused);
                Native.Check(refused, CancellationToken.None);
            }
        }

        /// <summary>Deletes one token; blocks the thread until the outcome is known.</summary>
        /// <exception cref="TokenException">the token is not dead afterwards</exception>
        public Outcome DeleteToken(string id, CancellationToken cancellation = default(CancellationToken))
        {
            using (var call = new Call(handle, closing.Token, cancellation))
            {
                Native.mpt_delete_token(call.Handle, Native.Text(id), out var outcome);
                return Native.Check(outcome, cancellation);
            }
        }

        /// <summary>Burns a leaked value: deletes its token with the value itself as the credential, and proves that it is
        /// dead. Blocks the thread until the outcome is known.</summary>
        /// <exception cref="TokenException">the token is not dead afterwards; the code is "dead_value" if it was dead
        /// already, or never was a value</exception>
        public Outcome Burn(string value, CancellationToken cancellation = default(CancellationToken))
        {
            var text = Native.Text(value);
            using (var call = new Call(handle, closing.Token, cancellation))
            {
                Native.mpt_burn(call.Handle, text, out var outcome);
                Array.Clear(text, 0, text.Length);
                return Native.Check(outcome, cancellation);
            }
        }

        /// <summary>Deletes one token on a separate thread: blocks neither the caller nor the thread pool.</summary>
        public Task<Outcome> DeleteTokenAsync(string id, CancellationToken cancellation = default(CancellationToken))
        {
            // Not passed to StartNew, which would then not make the call, and so not report its outcome.
            var call = Task.Factory.StartNew(
                () => DeleteToken(id, cancellation), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            return Awaited(call);
        }

        /// <summary>Deletes many tokens, several at a time, and yields the outcomes, including failures, in order of
        /// completion. The batch starts with the enumeration, which blocks. Leaving the enumeration stops the batch and
        /// waits for the calls under way. A journal is a write-ahead record from which a second run resumes.
        /// The batch continues without a conclusive answer from the API for as long as patience says: 10 minutes if null, one
        /// week at most. A token whose call came to nothing is put off and tried again meanwhile. With TimeSpan.Zero each
        /// token is tried in one call. The batch can stop before the end of the list; ids that were not reached have no
        /// outcome: stopped is then called after the last outcome, with the reason.</summary>
        /// <exception cref="TokenException">the batch cannot start</exception>
        public IEnumerable<Outcome> DeleteTokens(
            IEnumerable<string> ids, int concurrency = 8, string journal = null, TimeSpan? patience = null,
            CancellationToken cancellation = default(CancellationToken), Action<Stopped> stopped = null) =>
            Many(false, ids, concurrency, journal, patience, cancellation, stopped);

        /// <summary>Burns many leaked values, each with itself as the credential: see Burn. Otherwise as DeleteTokens. A text
        /// that is not a value has an outcome without an id. A journal needs a client that is BurnOnly.</summary>
        /// <exception cref="TokenException">the batch cannot start</exception>
        public IEnumerable<Outcome> BurnTokens(
            IEnumerable<string> values, int concurrency = 8, string journal = null, TimeSpan? patience = null,
            CancellationToken cancellation = default(CancellationToken), Action<Stopped> stopped = null) =>
            Many(true, values, concurrency, journal, patience, cancellation, stopped);

        IEnumerable<Outcome> Many(
            bool burn, IEnumerable<string> ids, int concurrency, string journal, TimeSpan? patience,
            CancellationToken cancellation, Action<Stopped> stopped)
        {
            using (var call = new Call(handle, closing.Token, cancellation))
            using (var batch = call.Batch(burn, ids.ToArray(), concurrency, journal, patience, cancellation))
            {
                for (IntPtr outcome; (outcome = Native.mpt_batch_next(batch)) != IntPtr.Zero;)
                {
                    yield return Outcome.Take(outcome);
                }
                var reason = Native.Text(Native.mpt_batch_stopped(batch));
                if (reason != null && stopped != null)
                {
                    stopped(new Stopped(
                        reason, Native.Text(Native.mpt_code_name(Native.mpt_batch_stopped_code(batch))),
                        Native.Text(Native.mpt_batch_stopped_message(batch)),
                        Native.mpt_batch_skipped(batch), Native.mpt_batch_not_pulled(batch)));
                }
            }
        }

        /// <summary>Cancels the calls under way, and closes the connections when they have ended.</summary>
        public void Dispose()
        {
            closing.Cancel();
            handle.Dispose();
        }

        // Awaiting turns the task of a cancelled call into a cancelled task.
        static async Task<Outcome> Awaited(Task<Outcome> call) => await call.ConfigureAwait(false);

        static void Configure(ConfigHandle config, ClientOptions options)
        {
            Text(config, options.ApiToken, Native.mpt_config_set_api_token);
            Text(config, options.BaseUrl, Native.mpt_config_set_base_url);
            Text(config, options.UserAgent, Native.mpt_config_set_user_agent);
            Text(config, options.CaFile, Native.mpt_config_set_ca_file);
            Text(config, options.Proxy, Native.mpt_config_set_proxy);
            Time(config, options.Timeout, Native.mpt_config_set_timeout_ms);
            Time(config, options.AttemptTimeout, Native.mpt_config_set_attempt_timeout_ms);
            Time(config, options.ConnectTimeout, Native.mpt_config_set_connect_timeout_ms);
            Flag(config, options.CaOnly, Native.mpt_config_set_ca_only);
            Flag(config, options.MissingOk, Native.mpt_config_set_missing_ok);
            Flag(config, options.AllowOwnToken, Native.mpt_config_set_allow_own_token);
            Flag(config, options.BurnOnly, Native.mpt_config_set_burn_only);
            Flag(config, options.AllowPlainHttp, Native.mpt_config_set_allow_plain_http);
            if (options.Attempts is int count) Native.mpt_config_set_attempts(config, unchecked((uint)count));
            if (options.BackoffBase != null || options.BackoffCap != null)
            {
                if (options.BackoffBase == null || options.BackoffCap == null) throw new ArgumentException("BackoffBase and BackoffCap go together");
                Native.mpt_config_set_backoff_ms(config, Milliseconds(options.BackoffBase), Milliseconds(options.BackoffCap));
            }
        }

        static void Text(ConfigHandle config, string value, Func<ConfigHandle, byte[], int> set)
        {
            if (value != null) set(config, Native.Text(value));
        }

        static void Time(ConfigHandle config, TimeSpan? value, Func<ConfigHandle, ulong, int> set)
        {
            if (value != null) set(config, Milliseconds(value));
        }

        static void Flag(ConfigHandle config, bool? value, Func<ConfigHandle, int, int> set)
        {
            if (value is bool yes) set(config, yes ? 1 : 0);
        }

        // A negative value becomes too large, and so is rejected.
        static ulong Milliseconds(TimeSpan? time) => unchecked((ulong)(long)Math.Ceiling(time.Value.TotalMilliseconds));
    }
}
