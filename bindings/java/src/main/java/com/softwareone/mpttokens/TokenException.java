package com.softwareone.mpttokens;

/** A call after which the token is not known to be dead. */
public final class TokenException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final Outcome outcome;

    TokenException(Outcome outcome) {
        super(outcome.message());
        this.outcome = outcome;
    }

    /** All that is known; its {@code kind()} says whether the token may be dead anyway. */
    public Outcome outcome() {
        return outcome;
    }

    /** Throws an exception for a native outcome, if there is one. */
    static void check(com.sun.jna.Pointer refused) {
        if (refused != null) {
            throw new TokenException(Outcome.take(refused));
        }
    }
}
