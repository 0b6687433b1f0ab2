"""Checks what stands here with the real scanners: each finds all made-up leaks and no more, and mpt-tokens reads its report.

usage: check.py MPT-TOKENS [--write]

Needs the packages of bindings/python/requirements-scanners.lock; `cargo xtask test scanners` sets them up. With --write,
the reports in the folder `reports` are written anew. Everything happens on loopback.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pybetterleaks
import yaml

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PROGRAM = str(Path(sys.argv[1]).resolve())
BIN = Path(sys.executable).parent
PATTERN = (HERE / "pattern.txt").read_text().strip()
ID = re.compile(r"TKN(?:-[0-9]+){2,}", re.IGNORECASE)
KINGFISHER_RULE = "custom.softwareone.marketplace-api-token"
passed = 0


def check(name: str, found: object, expected: object) -> None:
    """Ends the run at the first difference."""
    global passed
    if found != expected:
        if isinstance(found, set) and isinstance(expected, set):
            sys.exit(f"FAILED {name}: not found {sorted(expected - found)}, too much {sorted(found - expected)}")
        sys.exit(f"FAILED {name}: {found!r}, expected {expected!r}")
    passed += 1
    print(f"ok {name}")


def run(*command: object, status: "tuple[int, ...]" = (0,), **options: object) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(
        [str(part) for part in command], text=True, capture_output=True, stdin=subprocess.DEVNULL if "input" not in options else None, **options
    )
    if done.returncode not in status:
        sys.exit(f"FAILED {command}: exit status {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


def the_id(secret: str) -> str:
    found = ID.search(secret)
    return found[0].upper() if found else f"no id in {len(secret)} characters"


LEAKS = set()
for row in (HERE / "leaks.tsv").read_text().splitlines():
    path, line, token = row.split("\t")
    LEAKS.add((path, int(line), token))
IDS = {token for _, _, token in LEAKS}


def relative(path: str) -> str:
    path = path.replace(str(HERE / "leaks") + "/", "")
    return path.removeprefix("leaks/")


def rules_have_the_pattern() -> None:
    # That it is TOML, gitleaks and betterleaks say.
    regexes = re.findall(r"regex = '''(.*)'''", (HERE / "gitleaks.toml").read_text())
    check("gitleaks.toml has the pattern", regexes, [PATTERN])
    rules = yaml.safe_load((HERE / "kingfisher.yml").read_text())["rules"]
    check("kingfisher.yml has the pattern", [rule["pattern"] for rule in rules], [PATTERN])
    rules = yaml.safe_load((HERE / "trufflehog.yaml").read_text())["detectors"]
    check("trufflehog.yaml has the pattern", [rule["regex"] for rule in rules], [{"token": PATTERN}])
    sys.path.insert(0, str(HERE))
    from detect_secrets_softwareone import SoftwareOneMarketplaceDetector as detector

    check("the plugin of detect-secrets has the pattern", [it.pattern for it in detector.denylist], [PATTERN])
    lines = (HERE / "github-custom-pattern.txt").read_text().splitlines()
    formats = [line.split(": ", 1)[1] for line in lines if line.startswith("Secret format")]
    check("the pattern for GitHub is the pattern", formats, [PATTERN])
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    check("the hook of pre-commit", [hook["entry"] for hook in hooks], ["mpt-tokens find"])


def scan(folder: Path) -> "dict[str, Path]":
    """Every scanner over the leaks; gives their reports."""
    reports = {}
    for kind in ("json", "sarif"):
        report = reports[f"gitleaks.{kind}"] = folder / f"gitleaks.{kind}"
        run(
            BIN / "gitleaks", "dir", "leaks", "--config", "gitleaks.toml", "--no-banner", "--log-level", "error",
            "--exit-code", 0, "-f", kind, "-r", report, cwd=HERE,
        )
    found = {
        (relative(it["File"]), it["StartLine"], the_id(it["Secret"]))
        for it in json.loads(reports["gitleaks.json"].read_text())
    }
    check("gitleaks finds all leaks and no more", found, LEAKS)

    scanned = pybetterleaks.scan_dir(HERE / "leaks", config_path=HERE / "gitleaks.toml", redact=False)
    check("betterleaks has no errors", scanned.errors, [])
    found = {(relative(it.file), it.line, the_id(it.secret)) for it in scanned.findings}
    check("betterleaks finds all leaks and no more", found, LEAKS)
    reports["betterleaks.json"] = folder / "betterleaks.json"
    reports["betterleaks.json"].write_text(json.dumps([it.raw for it in scanned.findings], indent=1) + "\n")

    for kind in ("json", "jsonl", "sarif"):
        report = reports[f"kingfisher.{kind}"] = folder / f"kingfisher.{kind}"
        kingfisher(
            "scan", "leaks", "--rules-path", "kingfisher.yml", "--load-builtins=false", "--no-validate",
            "--git-history", "none", "--format", kind, "--output", report, folder=folder, cwd=HERE, status=(0, 200),
        )
    found = {
        (relative(it["finding"]["path"]), it["finding"]["line"], the_id(it["finding"]["snippet"]))
        for it in json.loads(reports["kingfisher.json"].read_text())["findings"]
    }
    check("kingfisher finds all leaks and no more", found, LEAKS)

    plugin = HERE / "detect_secrets_softwareone.py"
    done = run(BIN / "detect-secrets", "scan", "--all-files", "--plugin", plugin, "leaks", cwd=HERE)
    results = json.loads(done.stdout)["results"]
    found = {
        (relative(path), it["line_number"])
        for path, findings in results.items()
        for it in findings
        if it["type"] == "SoftwareONE Marketplace API token"
    }
    check("detect-secrets finds all leaks and no more", found, {leak[:2] for leak in LEAKS})
    reports["detect-secrets.json"] = folder / "detect-secrets.json"
    reports["detect-secrets.json"].write_text(done.stdout)
    return reports


def kingfisher(*arguments: object, folder: Path, **options: object) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "HOME": str(folder), "KF_RULE_CACHE_DIR": str(folder / "rules")}
    return run(BIN / "kingfisher", *arguments, "--no-update-check", env=environment, **options)


def reports_are_lists(reports: "dict[str, Path]") -> None:
    """What a scanner wrote names the same tokens to mpt-tokens, and shows no secret."""
    environment = {**os.environ, "MPT_API_TOKEN": "none", "MPT_API_BASE_URL": "http://127.0.0.1:9"}
    for name, report in reports.items():
        if name == "detect-secrets.json":
            done = run(PROGRAM, "delete", "--dry-run", "--from", report, env=environment, status=(2,))
            check(f"{name} has only hashes, and is refused", "only hashes" in done.stderr, True)
            continue
        done = run(PROGRAM, "delete", "--dry-run", "--from", report, env=environment)
        check(f"mpt-tokens delete --from {name}", {line.rsplit("/")[-1] for line in done.stdout.splitlines()}, IDS)
    done = run(PROGRAM, "find", "--json", "leaks", cwd=HERE, env=environment, status=(1,))
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    found = {(relative(it["path"]), it["line"], it["id"]) for it in lines if it["kind"] == "place"}
    check("mpt-tokens find finds all leaks and no more", found, LEAKS)


def kingfisher_validates_and_revokes(folder: Path) -> None:
    """Its rule against the sandbox: alive, then revoked, then dead."""
    token = "TKN-2000-1111"
    command = [PROGRAM, "sandbox", "--token", token, "--format", "ndjson"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sandbox:
        try:
            about = json.loads(sandbox.stdout.readline())
            base = about["base_url"]
            secret = about["api_token"].rsplit(":", 1)[1]
            rules = folder / "rules.yml"
            text = (HERE / "kingfisher.yml").read_text()
            check("the rule names the API twice", text.count("https://api.platform.softwareone.com"), 2)
            rules.write_text(text.replace("https://api.platform.softwareone.com", base))

            def ask(verb: str) -> "dict[str, object]":
                done = kingfisher(
                    verb, "--rule", KINGFISHER_RULE, "--rules-path", rules, "--no-builtins", "--allow-internal-ips",
                    "--format", "json", "-", folder=folder, input=f"idt:{token}:{secret}", status=(0, 1),
                )
                return json.loads(done.stdout)

            check("kingfisher validates a live token", ask("validate")["is_valid"], True)
            check("kingfisher revokes it", ask("revoke")["revocation_status"], "succeeded")
            check("kingfisher sees that it is dead", ask("validate")["is_valid"], False)
        finally:
            sandbox.terminate()


def pre_commit_refuses(folder: Path) -> None:
    """The hook, as another repository would use it."""
    environment = {
        **os.environ, "HOME": str(folder), "PRE_COMMIT_HOME": str(folder / "pre-commit"),
        "PATH": f"{Path(PROGRAM).parent}:{BIN}:{os.environ['PATH']}", "GIT_CONFIG_GLOBAL": os.devnull,
    }

    def repository(name: str, files: "dict[str, str]") -> Path:
        root = folder / name
        root.mkdir()
        run("git", "init", "-q", root, env=environment)
        for path, text in files.items():
            (root / path).write_text(text)
        run("git", "add", "-A", cwd=root, env=environment)
        run("git", "-c", "user.name=x", "-c", "user.email=x@example.test", "commit", "-qm", "x", cwd=root, env=environment)
        return root

    hooks = repository("hooks", {".pre-commit-hooks.yaml": (ROOT / ".pre-commit-hooks.yaml").read_text()})
    leak = (HERE / "leaks/app/.env").read_text()
    for name, text, status in (("clean", "nothing\n", 0), ("leaking", leak, 1)):
        root = repository(name, {"settings.env": text})
        done = run(
            BIN / "pre-commit", "try-repo", hooks, "mpt-tokens-find", "--all-files",
            cwd=root, env=environment, status=(0, 1),
        )
        check(f"the hook of pre-commit, {name}", done.returncode, status)
        secret = re.search(r"idt:[^:]+:(\w+)", text)
        check(f"the hook shows no secret, {name}", bool(secret) and secret[1] in done.stdout, False)


def write(reports: "dict[str, Path]") -> None:
    """Keeps them, without the paths of this machine."""
    for name, report in reports.items():
        text = report.read_text()
        for path, short in ((str(HERE), "/src"), (str(report.parent), "/tmp")):
            text = text.replace(path, short)
        text = re.sub(r'"[^"]*/bin/kingfisher"', '"kingfisher"', text)
        (HERE / "reports").mkdir(exist_ok=True)
        (HERE / "reports" / name).write_text(text)


def main() -> None:
    rules_have_the_pattern()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        reports = scan(folder)
        if "--write" in sys.argv:
            write(reports)
        reports_are_lists(reports)
        kingfisher_validates_and_revokes(folder)
        pre_commit_refuses(folder)
    print(f"{passed} passed, 0 failed")


main()
