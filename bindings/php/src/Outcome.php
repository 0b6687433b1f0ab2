<?php

declare(strict_types=1);

namespace MptTokens;

/** The result of a call for one token. */
final class Outcome
{
    /**
     * @param ?string $id the token id; null if a failure is not about one token
     * @param string $outcome "deleted", "gone", "not_deleted" or "unknown"
     * @param string $code "ok", or what happened: "not_found", "timeout"...
     * @param ?int $httpStatus the status of the last response
     * @param list<array<string, mixed>> $attempts in order: number, sent, http_status, failure, elapsed_ms, waited_ms
     * @param int $rounds how many calls were made for it: more than 1 if a batch put it off and tried it again
     * @param ?array<string, mixed> $problem the server's problem details
     * @param string $message one sentence for people
     * @param bool $retryable whether trying again later can change the result
     * @param ?float $retryAfter how many seconds the server asked to wait
     * @param ?string $traceId the W3C trace id that was sent with every attempt
     * @param float $elapsedMs the time of the whole call, including pauses
     * @param \DateTimeImmutable $settledAt when this became known, in UTC
     */
    private function __construct(
        public readonly ?string $id,
        public readonly string $outcome,
        public readonly string $code,
        public readonly ?int $httpStatus,
        public readonly array $attempts,
        public readonly int $rounds,
        public readonly ?array $problem,
        public readonly string $message,
        public readonly bool $retryable,
        public readonly ?float $retryAfter,
        public readonly ?string $traceId,
        public readonly float $elapsedMs,
        public readonly \DateTimeImmutable $settledAt,
    ) {
    }

    /** @internal */
    public static function fromJson(string $json): self
    {
        $told = json_decode($json, true, flags: JSON_THROW_ON_ERROR);

        return new self(
            $told['id'],
            $told['outcome'],
            $told['code'],
            $told['http_status'],
            $told['attempts'],
            $told['rounds'],
            $told['problem'],
            $told['message'],
            $told['retryable'],
            $told['retry_after'],
            $told['trace_id'],
            $told['elapsed_ms'],
            new \DateTimeImmutable($told['at']),
        );
    }

    /** Returns true if the token is dead: deleted or gone. */
    public function isSuccess(): bool
    {
        return $this->code === 'ok';
    }
}
