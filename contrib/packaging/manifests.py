"""Renders what winget, Scoop and Homebrew are told of a release, from the files in the folders of these names here:

    python contrib/packaging/manifests.py VERSION OWNER/REPOSITORY SHA256SUMS FOLDER

SHA256SUMS is what `sha256sum *` prints of the released archives. In the templates,

    @version@, @repository@, @owner@   are what the command was told
    @folder:PLATFORM@                  is the folder in the archive of a platform
    @url:PLATFORM@, @sha256:PLATFORM@  are where GitHub serves that archive, and its checksum

An archive without a checksum is an error: no manifest is written then.
"""

import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
TEMPLATES = ["homebrew/mpt-tokens.rb", "scoop/mpt-tokens.json"] + [
    f"winget/mpt-tokens{part}.yaml" for part in ["", ".installer", ".locale.en-US"]
]


def checksums(text: str) -> dict[str, str]:
    """The checksum of each file, by its name without folders."""
    sums = {}
    for line in text.splitlines():
        match = re.fullmatch(r"([0-9a-f]{64}) [ *](?:.*/)?([^/]+)", line)
        if match is None:
            raise SystemExit(f"not a line of sha256sum: {line!r}")
        sums[match[2]] = match[1]
    return sums


def render(template: str, version: str, repository: str, sums: dict[str, str]) -> str:
    owner = repository.partition("/")[0]

    def value(match: re.Match[str]) -> str:
        name, _, platform = match[1].partition(":")
        folder = f"mpt-tokens-{version}-{platform}"
        archive = folder + (".zip" if platform.startswith("windows") else ".tar.gz")
        if name in ("url", "sha256") and archive not in sums:
            raise SystemExit(f"there is no checksum of {archive}")
        values = {
            "version": version,
            "repository": repository,
            "owner": owner,
            "folder": folder,
            "url": f"https://github.com/{repository}/releases/download/v{version}/{archive}",
            "sha256": sums.get(archive, ""),
        }
        if name not in values:
            raise SystemExit(f"nothing is known of {match[0]}")
        return values[name]

    return re.sub(r"@([a-z0-9:_-]+)@", value, template)


def main() -> None:
    if len(sys.argv) != 5:
        raise SystemExit(__doc__)
    version, repository, sums, to = sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        raise SystemExit(f"not a repository, OWNER/NAME: {repository!r}")
    known = checksums(sums.read_text(encoding="utf-8"))
    # All of them, before the first is written.
    rendered = {
        name: render((HERE / name).read_text(encoding="utf-8"), version, repository, known) for name in TEMPLATES
    }
    for name, text in rendered.items():
        path = to / name.replace("winget/mpt-tokens", f"winget/{repository.partition('/')[0]}.MptTokens")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path)


if __name__ == "__main__":
    main()
