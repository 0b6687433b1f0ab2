package com.softwareone.mpttokens;

import static com.softwareone.mpttokens.Native.LIBRARY;

import com.sun.jna.Pointer;
import java.lang.ref.Cleaner;
import java.util.HashSet;
import java.util.Set;

/** A client of the library and its calls under way. It does not refer to its {@link Client}, so it can outlive it. */
final class Handle implements Runnable {
    static final Cleaner CLEANER = Cleaner.create();

    private final Set<Call> calls = new HashSet<>();
    private Pointer client;
    private boolean cancelled;

    Handle(Pointer client) {
        this.client = client;
    }

    /** One call, or one batch: shares the connections, but is cancelled separately. */
    final class Call implements AutoCloseable {
        final Pointer client;

        private Call(Pointer client) {
            this.client = client;
        }

        void cancel() {
            synchronized (Handle.this) {
                if (calls.contains(this)) {
                    LIBRARY.mpt_client_cancel(client);
                }
            }
        }

        @Override
        public void close() {
            synchronized (Handle.this) {
                if (calls.remove(this)) {
                    LIBRARY.mpt_client_free(client);
                }
            }
        }
    }

    synchronized Call call() {
        if (client == null) {
            throw new IllegalStateException("the client is closed");
        }
        Call call = new Call(LIBRARY.mpt_client_clone(client));
        calls.add(call);
        if (cancelled || Thread.currentThread().isInterrupted()) {
            call.cancel();
        }
        return call;
    }

    synchronized void cancel() {
        cancelled = true;
        calls.forEach(Call::cancel);
    }

    /** Ends the client: cancels its calls; the last one to end closes the connections. */
    @Override
    public synchronized void run() {
        cancel();
        LIBRARY.mpt_client_free(client);
        client = null;
    }
}
