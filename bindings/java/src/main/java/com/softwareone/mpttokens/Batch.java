package com.softwareone.mpttokens;

import static com.softwareone.mpttokens.Native.LIBRARY;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.PointerByReference;
import java.lang.ref.Cleaner;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The outcomes of a batch, including failures, in order of completion. Iterate over it once:
 *
 * <pre>{@code
 * try (Batch batch = client.deleteTokens(ids, 8)) {
 *     for (Outcome outcome : batch) System.out.println(outcome.message());
 * }
 * }</pre>
 *
 * {@link #close} starts no more calls and waits for those under way; if another thread is waiting for an outcome, it
 * cancels them. Interrupting the waiting thread cancels the calls under way, and their outcomes say so.
 */
public final class Batch implements Iterable<Outcome>, Iterator<Outcome>, AutoCloseable {
    private final State state;
    private final Cleaner.Cleanable cleanable;
    private Outcome next;

    Batch(Handle.Call call, boolean burn, List<String> ids, int concurrency, String journal, Duration patience) {
        List<Memory> texts = new ArrayList<>();
        try {
            ids.forEach(id -> texts.add(Native.memory(id)));
            Native.BatchOptions options = new Native.BatchOptions();
            options.concurrency = concurrency;
            options.patienceMs = milliseconds(patience);
            options.journal = journal == null ? null : Native.memory(journal);
            PointerByReference batch = new PointerByReference();
            PointerByReference refused = new PointerByReference();
            Pointer[] list = texts.toArray(new Pointer[0]);
            Native.Size count = new Native.Size(ids.size());
            if (burn) {
                LIBRARY.mpt_burn_batch_new(call.client, list, count, options, batch, refused);
            } else {
                LIBRARY.mpt_batch_new(call.client, list, count, options, batch, refused);
            }
            TokenException.check(refused.getValue());
            state = new State(call, batch.getValue());
        } catch (Throwable failure) {
            call.close();
            throw failure;
        } finally {
            texts.forEach(Memory::clear);
            texts.forEach(Memory::close);
        }
        cleanable = Handle.CLEANER.register(this, state);
    }

    /** As C takes it: 0 for the default, -1 (MPT_PATIENCE_NONE) for no patience; rounded up. */
    private static long milliseconds(Duration patience) {
        if (patience == null) {
            return 0;
        }
        if (patience.isNegative()) {
            return Long.MIN_VALUE;
        }
        return patience.isZero() ? -1 : patience.plusNanos(999_999).toMillis();
    }

    @Override
    public Iterator<Outcome> iterator() {
        return this;
    }

    /** Waits for the next outcome; false when there are no more, or when the batch was closed. */
    @Override
    public boolean hasNext() {
        if (next == null) {
            next = state.next();
        }
        return next != null;
    }

    @Override
    public Outcome next() {
        if (!hasNext()) {
            throw new NoSuchElementException("all outcomes are told");
        }
        Outcome told = next;
        next = null;
        return told;
    }

    /**
     * Why a batch stopped before the end of its list.
     *
     * @param reason "unauthorized", "paused", "no_answer", "journal", "asked" or "cancelled"
     * @param code the code that comes nearest, such as "unauthorized"
     * @param message what happened, and what to do
     * @param skipped ids that were pulled and not tried: their outcomes say so
     * @param notPulled ids that were not reached: they have no outcome
     */
    public record Stopped(String reason, String code, String message, long skipped, long notPulled) { }

    /** Why the batch stopped before the end of its list; empty if it did not. Ask after the last outcome, before close. */
    public Optional<Stopped> stopped() {
        return state.stopped();
    }

    @Override
    public void close() {
        cleanable.clean();
    }

    /** The part that outlives a batch that was not closed. */
    private static final class State implements Runnable {
        private final ReentrantLock lock = new ReentrantLock();
        private final Handle.Call call;
        private Pointer batch;

        State(Handle.Call call, Pointer batch) {
            this.call = call;
            this.batch = batch;
        }

        Outcome next() {
            lock.lock();
            try {
                return batch == null ? null : Outcome.take(LIBRARY.mpt_batch_next(batch));
            } finally {
                lock.unlock();
            }
        }

        Optional<Stopped> stopped() {
            lock.lock();
            try {
                String reason = batch == null ? null : LIBRARY.mpt_batch_stopped(batch);
                return reason == null
                        ? Optional.empty()
                        : Optional.of(new Stopped(
                                reason,
                                LIBRARY.mpt_code_name(LIBRARY.mpt_batch_stopped_code(batch)),
                                LIBRARY.mpt_batch_stopped_message(batch),
                                LIBRARY.mpt_batch_skipped(batch),
                                LIBRARY.mpt_batch_not_pulled(batch)));
            } finally {
                lock.unlock();
            }
        }

        @Override
        public void run() {
            if (!lock.tryLock()) {
                call.cancel();
                lock.lock();
            }
            try {
                LIBRARY.mpt_batch_free(batch);
                batch = null;
                call.close();
            } finally {
                lock.unlock();
            }
        }
    }
}
