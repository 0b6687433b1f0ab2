"""Parses PowerShell by tree-sitter's grammar for it, which finds what is not PowerShell, but runs nothing:

    python .github/lint/powershell.py FILE...

Of a document it takes every block marked `powershell`, of a script all.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import tree_sitter
import tree_sitter_pwsh

BLOCK = re.compile(r"^```powershell\n(.*?)^```", re.MULTILINE | re.DOTALL)
PARSER = tree_sitter.Parser(tree_sitter.Language(tree_sitter_pwsh.language()))


def wrong(node: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    """What the grammar has no rule for, and what it misses."""
    if node.is_error or node.is_missing:
        yield node
    for child in node.children:
        yield from wrong(child)


def scripts(path: Path) -> list[tuple[int, str]]:
    """Each script in a file, with the line before it."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ps1":
        return [(0, text)]
    return [(text[: block.start(1)].count("\n"), block[1]) for block in BLOCK.finditer(text)]


def main() -> None:
    # It was on: it says no to what is wrong.
    for bad in ["if ($x) {\n", 'a "b\n', "$a = b |\n"]:
        assert PARSER.parse(bad.encode()).root_node.has_error, bad
    passed = failed = 0
    for name in sys.argv[1:]:
        found = scripts(Path(name))
        if not found:
            failed += 1
            print(f"{name}: there is no block marked `powershell`")
        for before, script in found:
            errors = list(wrong(PARSER.parse(script.encode()).root_node))
            for node in errors:
                line = before + node.start_point.row + 1
                print(f"{name}:{line}: not PowerShell: {script.encode()[node.start_byte:node.end_byte].decode()!r}")
            if errors:
                failed += 1
            else:
                passed += 1
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
