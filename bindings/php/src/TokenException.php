<?php

declare(strict_types=1);

namespace MptTokens;

/** A call after which the token is not known to be dead. $outcome has all that is known. */
final class TokenException extends \RuntimeException
{
    public function __construct(public readonly Outcome $outcome)
    {
        parent::__construct($outcome->message);
    }
}
