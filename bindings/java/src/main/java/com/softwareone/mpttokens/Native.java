package com.softwareone.mpttokens;

import com.sun.jna.Callback;
import com.sun.jna.IntegerType;
import com.sun.jna.Library;
import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import com.sun.jna.Structure;
import com.sun.jna.ptr.PointerByReference;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;

/** libmpt_tokens. Members are named as in mpt_tokens.h, which documents each function and who owns what. */
interface Native extends Library {
    Native LIBRARY = load();

    int mpt_abi_version();
    Pointer mpt_config_new_from_env();
    void mpt_config_free(Pointer config);
    int mpt_config_set_api_token(Pointer config, byte[] value);
    int mpt_config_set_base_url(Pointer config, byte[] url);
    int mpt_config_set_user_agent(Pointer config, byte[] product);
    int mpt_config_set_ca_file(Pointer config, byte[] path);
    int mpt_config_set_proxy(Pointer config, byte[] url);
    int mpt_config_set_attempts(Pointer config, int attempts);
    int mpt_config_set_timeout_ms(Pointer config, long milliseconds);
    int mpt_config_set_attempt_timeout_ms(Pointer config, long milliseconds);
    int mpt_config_set_connect_timeout_ms(Pointer config, long milliseconds);
    int mpt_config_set_backoff_ms(Pointer config, long base, long cap);
    int mpt_config_set_missing_ok(Pointer config, int yes);
    int mpt_config_set_allow_own_token(Pointer config, int yes);
    int mpt_config_set_allow_plain_http(Pointer config, int yes);
    int mpt_config_set_burn_only(Pointer config, int yes);
    int mpt_config_set_ca_only(Pointer config, int yes);
    int mpt_config_set_poll(Pointer config, Poll poll, Pointer userData);
    int mpt_client_new(Pointer config, PointerByReference client, PointerByReference outcome);
    Pointer mpt_client_clone(Pointer client);
    void mpt_client_cancel(Pointer client);
    void mpt_client_free(Pointer client);
    int mpt_delete_token(Pointer client, byte[] id, PointerByReference outcome);
    int mpt_burn(Pointer client, byte[] value, PointerByReference outcome);
    int mpt_burn_batch_new(
            Pointer client, Pointer[] values, Size count, BatchOptions options, PointerByReference batch, PointerByReference outcome);
    int mpt_batch_new(
            Pointer client, Pointer[] ids, Size count, BatchOptions options, PointerByReference batch, PointerByReference outcome);
    Pointer mpt_batch_next(Pointer batch);
    void mpt_batch_free(Pointer batch);
    String mpt_batch_stopped(Pointer batch);
    String mpt_batch_stopped_message(Pointer batch);
    int mpt_batch_stopped_code(Pointer batch);
    long mpt_batch_skipped(Pointer batch);
    long mpt_batch_not_pulled(Pointer batch);
    void mpt_outcome_free(Pointer outcome);
    int mpt_outcome_kind(Pointer outcome);
    int mpt_outcome_code(Pointer outcome);
    String mpt_outcome_json(Pointer outcome);
    String mpt_outcome_message(Pointer outcome);
    String mpt_outcome_token_id(Pointer outcome);
    int mpt_outcome_http_status(Pointer outcome);
    int mpt_outcome_attempts(Pointer outcome);
    int mpt_outcome_rounds(Pointer outcome);
    String mpt_outcome_title(Pointer outcome);
    String mpt_outcome_detail(Pointer outcome);
    int mpt_outcome_retryable(Pointer outcome);

    long mpt_outcome_retry_after_ms(Pointer outcome);
    String mpt_outcome_trace_id(Pointer outcome);
    String mpt_outcome_server_trace_id(Pointer outcome);
    long mpt_outcome_elapsed_us(Pointer outcome);
    long mpt_outcome_settled_at_ms(Pointer outcome);
    String mpt_code_name(int code);
    String mpt_outcome_name(int kind);

    /** Polled on the calling thread while a call waits: an interrupt cancels the call. Kept alive by the class. */
    Poll POLL = userData -> Thread.currentThread().isInterrupted() ? 1 : 0;

    interface Poll extends Callback {
        int invoke(Pointer userData);
    }

    /** C's size_t. */
    final class Size extends IntegerType {
        private static final long serialVersionUID = 1;

        public Size() {
            this(0);
        }

        Size(long value) {
            super(com.sun.jna.Native.SIZE_T_SIZE, value, true);
        }
    }

    @Structure.FieldOrder({"size", "concurrency", "missingOk", "allowOwnToken", "journal", "patienceMs"})
    final class BatchOptions extends Structure {
        public int size = size();
        public int concurrency;
        public int missingOk;
        public int allowOwnToken;
        public Pointer journal;
        public long patienceMs;
    }

    private static Native load() {
        String file = System.getenv("MPT_TOKENS_LIBRARY");
        if (file == null) {
            file = com.sun.jna.Platform.isMac() ? "libmpt_tokens.1.dylib" : "libmpt_tokens.so.1";
        }
        Native library = com.sun.jna.Native.load(file, Native.class, Map.of(OPTION_STRING_ENCODING, "UTF-8"));
        if (library.mpt_abi_version() != 1) {
            throw new UnsatisfiedLinkError("libmpt_tokens has the ABI " + library.mpt_abi_version() + ": expected 1");
        }
        return library;
    }

    /**
     * A text for C. In C it ends at NUL, which would cut an id short, so U+0001 replaces NUL and is rejected just as
     * NUL would be. U+0001 also replaces a lone surrogate, for which Java would write "?".
     */
    static byte[] text(String value) {
        try {
            ByteBuffer bytes = StandardCharsets.UTF_8.newEncoder()
                    .onMalformedInput(CodingErrorAction.REPLACE)
                    .replaceWith(new byte[] {1})
                    .encode(CharBuffer.wrap(value.replace('\0', '\1')));
            return Arrays.copyOf(bytes.array(), bytes.limit() + 1);
        } catch (CharacterCodingException impossible) {
            throw new AssertionError(impossible);
        }
    }

    /** The same, for the caller to keep and close. */
    static Memory memory(String value) {
        byte[] text = text(value);
        Memory memory = new Memory(text.length);
        memory.write(0, text, 0, text.length);
        return memory;
    }
}
