package com.softwareone.mpttokens;

/** A call that did not end with a dead token. */
public final class TokenException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final Outcome outcome;

    TokenException(Outcome outcome) {
        super(outcome.message());
        this.outcome = outcome;
    }

    /** All that is known; its {@code kind()} says whether the token may be dead all the same. */
    public Outcome outcome() {
        return outcome;
    }

    /** Throws what a native outcome tells, where there is one. */
    static void check(com.sun.jna.Pointer refused) {
        if (refused != null) {
            throw new TokenException(Outcome.take(refused));
        }
    }
}
