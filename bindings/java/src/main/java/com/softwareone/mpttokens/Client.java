package com.softwareone.mpttokens;

import static com.softwareone.mpttokens.Native.LIBRARY;

import com.sun.jna.Pointer;
import com.sun.jna.ptr.PointerByReference;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.ObjIntConsumer;
import java.util.function.ObjLongConsumer;
import java.util.function.BiConsumer;

/**
 * Deletes tokens. Threads may share it. A call blocks its thread until the outcome is known; it ends within 200 ms when
 * that thread is interrupted, or when another thread calls {@link #cancel} or {@link #close}.
 */
public final class Client implements AutoCloseable {
    private final Handle handle;
    private final Cleaner.Cleanable cleanable;

    private Client(Pointer client) {
        handle = new Handle(client);
        cleanable = Handle.CLEANER.register(this, handle);
    }

    /** Creates a client from the environment: MPT_API_TOKEN, MPT_API_BASE_URL and the usual proxy variables. */
    public static Client fromEnv() {
        return builder().build();
    }

    public static Builder builder() {
        return new Builder();
    }

    /**
     * Deletes one token.
     *
     * @throws TokenException if the token is not dead afterwards. After an interrupt, its code is "cancelled" and the
     *     thread stays interrupted
     */
    public Outcome deleteToken(String id) {
        return one(id, LIBRARY::mpt_delete_token);
    }

    /**
     * Burns a leaked value: deletes its token with the value itself as the credential, and proves that it is dead.
     *
     * @throws TokenException if the token is not dead afterwards; its code is "dead_value" if it was dead already, or never
     *     was a value
     */
    public Outcome burn(String value) {
        return one(value, LIBRARY::mpt_burn);
    }

    private interface One {
        int call(Pointer client, byte[] text, PointerByReference outcome);
    }

    private Outcome one(String id, One function) {
        byte[] text = Native.text(id);
        PointerByReference place = new PointerByReference();
        try (Handle.Call call = call()) {
            function.call(call.client, text, place);
        } finally {
            java.util.Arrays.fill(text, (byte) 0);
        }
        Outcome outcome = Outcome.take(place.getValue());
        if (!outcome.isDead()) {
            throw new TokenException(outcome);
        }
        return outcome;
    }

    /**
     * Deletes many tokens, {@code concurrency} at a time.
     *
     * @throws TokenException if the batch cannot start
     */
    public Batch deleteTokens(List<String> ids, int concurrency) {
        return deleteTokens(ids, concurrency, null);
    }

    /** Deletes many tokens with a journal, a write-ahead record from which a second run resumes; null for none. */
    public Batch deleteTokens(List<String> ids, int concurrency, String journal) {
        return deleteTokens(ids, concurrency, journal, null);
    }

    /**
     * The same with the time for which the batch continues without a conclusive answer from the API, at most one week;
     * null for the default, 10 minutes. A token whose call came to nothing is put off and tried again meanwhile. With
     * {@link Duration#ZERO} each token is tried in one call.
     *
     * @throws TokenException the batch cannot start
     */
    public Batch deleteTokens(List<String> ids, int concurrency, String journal, Duration patience) {
        return new Batch(call(), false, ids, concurrency, journal, patience);
    }

    /**
     * Burns many leaked values, each with itself as the credential: see {@link #burn}. A text that is not a value has an
     * outcome without an id. A journal needs a client that is {@link Builder#burnOnly}; null for none.
     *
     * @throws TokenException the batch cannot start
     */
    public Batch burnTokens(List<String> values, int concurrency, String journal, Duration patience) {
        return new Batch(call(), true, values, concurrency, journal, patience);
    }

    /** Cancels all calls under way, and every later one. */
    public void cancel() {
        handle.cancel();
    }

    /** Cancels the calls under way, and closes the connections when they have ended. */
    @Override
    public void close() {
        cleanable.clean();
    }

    private Handle.Call call() {
        try {
            return handle.call();
        } finally {
            // Keeps the garbage collector from closing it before that.
            Reference.reachabilityFence(this);
        }
    }

    /** The settings of a client. What is not set comes from the environment, or is the library's default. */
    public static final class Builder {
        private final List<Consumer<Pointer>> settings = new ArrayList<>();

        private Builder() {}

        public Builder apiToken(String value) {
            return text(value, LIBRARY::mpt_config_set_api_token);
        }

        public Builder baseUrl(String url) {
            return text(url, LIBRARY::mpt_config_set_base_url);
        }

        /** Sets the caller's part of the User-Agent; sent before the library's own. */
        public Builder userAgent(String product) {
            return text(product, LIBRARY::mpt_config_set_user_agent);
        }

        /** Sets a PEM file of certificate authorities to trust in addition to the platform's. */
        public Builder caFile(String path) {
            return text(path, LIBRARY::mpt_config_set_ca_file);
        }

        public Builder caOnly(boolean yes) {
            return flag(yes, LIBRARY::mpt_config_set_ca_only);
        }

        public Builder proxy(String url) {
            return text(url, LIBRARY::mpt_config_set_proxy);
        }

        /** Sets the time limit of a call over all attempts; 60 s by default. */
        public Builder timeout(Duration limit) {
            return time(limit, LIBRARY::mpt_config_set_timeout_ms);
        }

        public Builder attemptTimeout(Duration limit) {
            return time(limit, LIBRARY::mpt_config_set_attempt_timeout_ms);
        }

        public Builder connectTimeout(Duration limit) {
            return time(limit, LIBRARY::mpt_config_set_connect_timeout_ms);
        }

        public Builder attempts(int attempts) {
            return set(config -> LIBRARY.mpt_config_set_attempts(config, attempts));
        }

        /** Sets the bounds of the pauses between attempts; 200 ms and 10 s by default. */
        public Builder backoff(Duration base, Duration cap) {
            return set(config -> LIBRARY.mpt_config_set_backoff_ms(config, milliseconds(base), milliseconds(cap)));
        }

        /** Makes a token that the API does not know a success ("gone"). */
        public Builder missingOk(boolean yes) {
            return flag(yes, LIBRARY::mpt_config_set_missing_ok);
        }

        public Builder allowOwnToken(boolean yes) {
            return flag(yes, LIBRARY::mpt_config_set_allow_own_token);
        }

        /** Makes a client without an API token, not even that of the environment: it can only burn. */
        public Builder burnOnly(boolean yes) {
            return flag(yes, LIBRARY::mpt_config_set_burn_only);
        }

        public Builder allowPlainHttp(boolean yes) {
            return flag(yes, LIBRARY::mpt_config_set_allow_plain_http);
        }

        /**
         * Creates a client.
         *
         * @throws TokenException if a setting cannot be used
         */
        public Client build() {
            Pointer config = LIBRARY.mpt_config_new_from_env();
            try {
                LIBRARY.mpt_config_set_poll(config, Native.POLL, null);
                settings.forEach(setting -> setting.accept(config));
                PointerByReference client = new PointerByReference();
                PointerByReference refused = new PointerByReference();
                LIBRARY.mpt_client_new(config, client, refused);
                TokenException.check(refused.getValue());
                return new Client(client.getValue());
            } finally {
                LIBRARY.mpt_config_free(config);
            }
        }

        private Builder text(String value, BiConsumer<Pointer, byte[]> set) {
            byte[] text = Native.text(value);
            return set(config -> set.accept(config, text));
        }

        private Builder time(Duration value, ObjLongConsumer<Pointer> set) {
            return set(config -> set.accept(config, milliseconds(value)));
        }

        private Builder flag(boolean yes, ObjIntConsumer<Pointer> set) {
            return set(config -> set.accept(config, yes ? 1 : 0));
        }

        private Builder set(Consumer<Pointer> setting) {
            settings.add(setting);
            return this;
        }

        /** Rounds up. A negative value becomes too large, and so is rejected. */
        private static long milliseconds(Duration time) {
            return time.plusNanos(999_999).toMillis();
        }
    }
}
