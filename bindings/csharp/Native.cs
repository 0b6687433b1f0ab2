using System;
using System.Linq;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading;
using Microsoft.Win32.SafeHandles;

// Members are named as in mpt_tokens.h, which documents each function and who owns what.
namespace MptTokens
{
    abstract class Handle : SafeHandleZeroOrMinusOneIsInvalid
    {
        protected Handle() : base(true) { }

        protected override bool ReleaseHandle()
        {
            Free(handle);
            return true;
        }

        protected abstract void Free(IntPtr pointer);
    }

    sealed class ConfigHandle : Handle
    {
        protected override void Free(IntPtr config) => Native.mpt_config_free(config);
    }

    sealed class ClientHandle : Handle
    {
        protected override void Free(IntPtr client) => Native.mpt_client_free(client);
    }

    sealed class BatchHandle : Handle
    {
        protected override void Free(IntPtr batch) => Native.mpt_batch_free(batch);
    }

    static class Native
    {
        // The name that the system's loader knows: it has the ABI version.
        const string Library = "libmpt_tokens.so.1";

        [StructLayout(LayoutKind.Sequential)]
        internal struct BatchOptions
        {
            internal uint size, concurrency;
            internal int missing_ok, allow_own_token;
            internal IntPtr journal;
            internal long patience_ms;
        }

        [DllImport(Library)] internal static extern ConfigHandle mpt_config_new_from_env();
        [DllImport(Library)] internal static extern void mpt_config_free(IntPtr config);
        [DllImport(Library)] internal static extern int mpt_config_set_api_token(ConfigHandle config, byte[] value);
        [DllImport(Library)] internal static extern int mpt_config_set_base_url(ConfigHandle config, byte[] url);
        [DllImport(Library)] internal static extern int mpt_config_set_user_agent(ConfigHandle config, byte[] product);
        [DllImport(Library)] internal static extern int mpt_config_set_ca_file(ConfigHandle config, byte[] path);
        [DllImport(Library)] internal static extern int mpt_config_set_proxy(ConfigHandle config, byte[] url);
        [DllImport(Library)] internal static extern int mpt_config_set_attempts(ConfigHandle config, uint attempts);
        [DllImport(Library)] internal static extern int mpt_config_set_timeout_ms(ConfigHandle config, ulong milliseconds);
        [DllImport(Library)] internal static extern int mpt_config_set_attempt_timeout_ms(ConfigHandle config, ulong milliseconds);
        [DllImport(Library)] internal static extern int mpt_config_set_connect_timeout_ms(ConfigHandle config, ulong milliseconds);
        [DllImport(Library)] internal static extern int mpt_config_set_backoff_ms(ConfigHandle config, ulong first, ulong cap);
        [DllImport(Library)] internal static extern int mpt_config_set_missing_ok(ConfigHandle config, int yes);
        [DllImport(Library)] internal static extern int mpt_config_set_allow_own_token(ConfigHandle config, int yes);
        [DllImport(Library)] internal static extern int mpt_config_set_allow_plain_http(ConfigHandle config, int yes);
        [DllImport(Library)] internal static extern int mpt_config_set_burn_only(ConfigHandle config, int yes);
        [DllImport(Library)] internal static extern int mpt_config_set_ca_only(ConfigHandle config, int yes);
        [DllImport(Library)] internal static extern int mpt_client_new(ConfigHandle config, out ClientHandle client, out IntPtr outcome);
        [DllImport(Library)] internal static extern ClientHandle mpt_client_clone(ClientHandle client);
        [DllImport(Library)] internal static extern void mpt_client_cancel(ClientHandle client);
        [DllImport(Library)] internal static extern void mpt_client_free(IntPtr client);
        [DllImport(Library)] internal static extern int mpt_delete_token(ClientHandle client, byte[] id, out IntPtr outcome);
        [DllImport(Library)] internal static extern int mpt_burn(ClientHandle client, byte[] value, out IntPtr outcome);
        [DllImport(Library)] internal static extern int mpt_batch_new(
            ClientHandle client, IntPtr[] ids, UIntPtr count, ref BatchOptions options, out BatchHandle batch, out IntPtr outcome);
        [DllImport(Library)] internal static extern int mpt_burn_batch_new(
            ClientHandle client, IntPtr[] ids, UIntPtr count, ref BatchOptions options, out BatchHandle batch, out IntPtr outcome);
        [DllImport(Library)] internal static extern IntPtr mpt_batch_next(BatchHandle batch);
        [DllImport(Library)] internal static extern void mpt_batch_free(IntPtr batch);
        [DllImport(Library)] internal static extern IntPtr mpt_batch_stopped(BatchHandle batch);
        [DllImport(Library)] internal static extern IntPtr mpt_batch_stopped_message(BatchHandle batch);
        [DllImport(Library)] internal static extern int mpt_batch_stopped_code(BatchHandle batch);
        [DllImport(Library)] internal static extern ulong mpt_batch_skipped(BatchHandle batch);
        [DllImport(Library)] internal static extern ulong mpt_batch_not_pulled(BatchHandle batch);
        [DllImport(Library)] internal static extern void mpt_outcome_free(IntPtr outcome);
        [DllImport(Library)] internal static extern int mpt_outcome_kind(IntPtr outcome);
        [DllImport(Library)] internal static extern int mpt_outcome_code(IntPtr outcome);
        [DllImport(Library)] internal static extern IntPtr mpt_outcome_json(IntPtr outcome);
        [DllImport(Library)] internal static extern IntPtr mpt_outcome_message(IntPtr outcome);
        [DllImport(Library)] internal static extern IntPtr mpt_outcome_token_id(IntPtr outcome);
        [DllImport(Library)] internal static extern int mpt_outcome_http_status(IntPtr outcome);
        [DllImport(Library)] internal static extern uint mpt_outcome_attempts(IntPtr outcome);
        [DllImport(Library)] internal static extern uint mpt_outcome_rounds(IntPtr outcome);
        [DllImport(Library)] internal static extern IntPtr mpt_outcome_title(IntPtr outcome);
        [DllImport(Library)] internal static extern IntPtr mpt_outcome_detail(IntPtr outcome);
        [DllImport(Library)] internal static extern int mpt_outcome_retryable(IntPtr outcome);
        [DllImport(Library)] internal static extern long mpt_outcome_retry_after_ms(IntPtr outcome);
        [DllImport(Library)] internal static extern IntPtr mpt_outcome_trace_id(IntPtr outcome);
        [DllImport(Library)] internal static extern IntPtr mpt_outcome_server_trace_id(IntPtr outcome);
        [DllImport(Library)] internal static extern ulong mpt_outcome_elapsed_us(IntPtr outcome);
        [DllImport(Library)] internal static extern long mpt_outcome_settled_at_ms(IntPtr outcome);
        [DllImport(Library)] internal static extern IntPtr mpt_code_name(int code);
        [DllImport(Library)] internal static extern IntPtr mpt_outcome_name(int kind);

        // A lone surrogate would become "?", which may be part of an id; U+0001 is rejected.
        static readonly Encoding Utf8 =
            Encoding.GetEncoding("utf-8", new EncoderReplacementFallback("\x01"), DecoderFallback.ReplacementFallback);

        // A C string ends at NUL, which would cut an id short; U+0001 is rejected just as NUL would be.
        internal static byte[] Text(string value) => Utf8.GetBytes(value.Replace('\0', '\x01') + '\0');

        internal static string Text(IntPtr text)
        {
            if (text == IntPtr.Zero) return null;
            var length = 0;
            while (Marshal.ReadByte(text, length) != 0) length++;
            var bytes = new byte[length];
            Marshal.Copy(text, bytes, 0, length);
            return Utf8.GetString(bytes);
        }

        // Takes ownership of an outcome, if there is one, and throws if it is a failure.
        internal static Outcome Check(IntPtr pointer, CancellationToken cancellation)
        {
            if (pointer == IntPtr.Zero) return null;
            var outcome = Outcome.Take(pointer);
            if (outcome.IsDead) return outcome;
            var failure = new TokenException(outcome);
            if (outcome.Code == "cancelled" && cancellation.IsCancellationRequested)
            {
                throw new OperationCanceledException(outcome.Message, failure, cancellation);
            }
            throw failure;
        }
    }

    // A handle on the same connections that is cancelled separately.
    sealed class Call : IDisposable
    {
        readonly CancellationTokenRegistration closing, cancelling;

        internal Call(ClientHandle client, CancellationToken closing, CancellationToken cancellation)
        {
            Handle = Native.mpt_client_clone(client);
            this.closing = closing.Register(Cancel);
            cancelling = cancellation.Register(Cancel);
        }

        internal ClientHandle Handle { get; }

        // Disposing a registration waits for a Cancel that it may have started.
        public void Dispose()
        {
            cancelling.Dispose();
            closing.Dispose();
            Handle.Dispose();
        }

        internal BatchHandle Batch(
            bool burn, string[] ids, int concurrency, string journal, TimeSpan? patience, CancellationToken cancellation)
        {
            var texts = ids.Select(Native.Text).ToList();
            if (journal != null) texts.Add(Native.Text(journal));
            var pins = texts.ConvertAll(text => GCHandle.Alloc(text, GCHandleType.Pinned));
            try
            {
                var pointers = pins.ConvertAll(pin => pin.AddrOfPinnedObject()).ToArray();
                var options = new Native.BatchOptions
                {
                    concurrency = unchecked((uint)concurrency), patience_ms = Milliseconds(patience),
                };
                options.size = (uint)Marshal.SizeOf(options);
                if (journal != null) options.journal = pointers[ids.Length];
                var count = (UIntPtr)ids.Length;
                BatchHandle batch;
                IntPtr refused;
                if (burn) Native.mpt_burn_batch_new(Handle, pointers, count, ref options, out batch, out refused);
                else Native.mpt_batch_new(Handle, pointers, count, ref options, out batch, out refused);
                Native.Check(refused, cancellation);
                return batch;
            }
            finally
            {
                pins.ForEach(pin => pin.Free());
                texts.ForEach(text => Array.Clear(text, 0, text.Length));
            }
        }

        // As C takes it: 0 for the default, -1 (MPT_PATIENCE_NONE) for no patience; rounded up.
        static long Milliseconds(TimeSpan? patience)
        {
            if (patience == null) return 0;
            if (patience.Value < TimeSpan.Zero) return long.MinValue;
            return patience.Value == TimeSpan.Zero ? -1 : (long)Math.Ceiling(patience.Value.TotalMilliseconds);
        }

        void Cancel() => Native.mpt_client_cancel(Handle);
    }
}
