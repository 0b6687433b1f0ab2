"""Delete the token whose id is the first argument, and print the outcome as one line of JSON.

The environment has the credential (MPT_API_TOKEN) and, unless it is the Marketplace itself, the base URL
(MPT_API_BASE_URL).
"""

import json
import sys

import mpt_tokens


def main() -> int:
    try:
        outcome = mpt_tokens.delete_token(sys.argv[1])
    except mpt_tokens.Error as error:
        print(f"{error.outcome}: {error}", file=sys.stderr)
        return 1
    print(json.dumps(outcome.to_dict()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
