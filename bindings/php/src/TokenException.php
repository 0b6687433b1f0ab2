<?php

declare(strict_types=1);

namespace MptTokens;

/** A call that did not end with a dead token. $outcome tells everything about it. */
final class TokenException extends \RuntimeException
{
    public function __construct(public readonly Outcome $outcome)
    {
        parent::__construct($outcome->message);
    }
}
