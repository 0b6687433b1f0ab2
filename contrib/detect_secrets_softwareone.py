"""For detect-secrets 1.5: detect-secrets scan --plugin contrib/detect_secrets_softwareone.py PATH

Its reports hold only hashes: `mpt-tokens find PATH` shows the ids, and `mpt-tokens delete` needs the files themselves.
"""

import re

from detect_secrets.plugins.base import RegexBasedDetector


class SoftwareOneMarketplaceDetector(RegexBasedDetector):
    """Values of API tokens of the SoftwareONE Marketplace."""

    secret_type = "SoftwareONE Marketplace API token"
    denylist = [
        re.compile(
            r"(?i)(?:idt(?::|%(?:25)?3A|\\u003A))?TKN(?:-[0-9]+){2,}(?::|%(?:25)?3A|\\u003A)[A-Za-z0-9._~+/=-]{8,}"
        ),
    ]
