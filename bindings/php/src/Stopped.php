<?php

declare(strict_types=1);

namespace MptTokens;

/** Why a batch stopped before the end of its list. */
final class Stopped
{
    /**
     * @param string $reason "unauthorized", "paused", "no_answer", "journal", "asked" or "cancelled"
     * @param string $code the code that comes nearest, such as "unauthorized"
     * @param string $message what happened, and what to do
     * @param int $skipped ids that were pulled and not tried: their outcomes say so
     * @param int $notPulled ids that were not reached: they have no outcome
     */
    public function __construct(
        public readonly string $reason,
        public readonly string $code,
        public readonly string $message,
        public readonly int $skipped,
        public readonly int $notPulled,
    ) {
    }
}
