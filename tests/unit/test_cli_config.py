"""``shipmate config``: what it prints, where, and with which exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from bot.cli import main

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No shipmate.yml, no .env and no setting of the checkout gets into a test."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith(("SHIPMATE_", "SLACK_", "GITHUB_", "PAGERDUTY_", "DATABASE_")):
            monkeypatch.delenv(name)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """One command's exit code, stdout and stderr."""
    with pytest.raises(SystemExit) as left:
        main(arguments)
    captured = capsys.readouterr()
    code = left.value.code
    return (code if isinstance(code, int) else 0), captured.out, captured.err


def test_a_valid_file_is_said_to_be_so(capsys: pytest.CaptureFixture[str]) -> None:
    """With what it holds, so that a wrong file is noticed."""
    Path("policy.yml").write_text("services: {a: {}, b: {}}\npeople: [{github: bo}]\n")
    assert run(capsys, "config", "check", "policy.yml") == (0, "policy.yml is valid: 2 services, 1 person.\n", "")


def test_the_usual_file_is_checked_without_being_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or the one that SHIPMATE_CONFIG names."""
    Path("shipmate.yml").write_text("teams: {}")
    Path("other.yml").write_text("services: {a: {}}")
    assert run(capsys, "config", "check")[1] == "shipmate.yml is valid: it changes nothing yet.\n"
    monkeypatch.setenv("SHIPMATE_CONFIG", "other.yml")
    assert run(capsys, "config", "check")[1] == "other.yml is valid: 1 service.\n"


def test_no_file_at_all_is_fine_and_says_what_then_happens(capsys: pytest.CaptureFixture[str]) -> None:
    """It is optional."""
    code, printed, _ = run(capsys, "config", "check")
    assert (code, printed) == (0, "There is no shipmate.yml: every service seen is announced in #deploys.\n")


def test_faults_go_to_stderr_one_to_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    """In the form that editors and CI systems make links of."""
    Path("policy.yml").write_text("teamz: {}\n\nfoo: 1\n")
    code, printed, complained = run(capsys, "config", "check", "policy.yml")
    assert (code, printed) == (1, "")
    first, second = complained.splitlines()
    assert first == "policy.yml:1: teamz: unknown key; did you mean “teams”?"
    assert second.startswith("policy.yml:3: foo: unknown key; known here: ")


def test_a_file_that_is_not_there_ends_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """Not in a traceback."""
    assert run(capsys, "config", "check", "none.yml") == (
        1,
        "",
        "none.yml:1: cannot be read: no such file or directory\n",
    )


def test_faults_of_the_environment_are_told_in_the_same_way(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check needs to know which file is meant."""
    monkeypatch.setenv("SHIPMATE_CONFIG", "none.yml")
    code, _, complained = run(capsys, "config", "check")
    assert code == 1
    assert complained.startswith("SHIPMATE_CONFIG: there is no such file")


def test_programs_read_the_same_as_people(capsys: pytest.CaptureFixture[str]) -> None:
    """On stdout, also when there are faults; the exit code is the same."""
    Path("policy.yml").write_text("teams:\n  a: {}\n")
    code, printed, complained = run(capsys, "config", "check", "policy.yml", "--json")
    assert (code, complained) == (1, "")
    assert json.loads(printed) == {
        "file": "policy.yml",
        "valid": False,
        "faults": [{"line": 2, "key": "teams.a.channel", "message": "is missing"}],
        "notes": [],
        "trains": [],
    }
    Path("policy.yml").write_text("sources: {gitlab: {insecure: true}}")
    code, printed, _ = run(capsys, "config", "check", "policy.yml", "--json")
    assert code == 0
    assert [json.loads(printed)[key] for key in ("valid", "faults")] == [True, []]
    assert "gitlab" in json.loads(printed)["notes"][0]


def test_what_is_allowed_and_may_surprise_is_noted(capsys: pytest.CaptureFixture[str]) -> None:
    """A gate that is not built yet holds everything; no environments, no promotion; audiences hear nothing yet."""
    Path("policy.yml").write_text(
        "services:\n  a: {environments: [t, l], promote_through: webhook, gates: [lock, risk]}\n"
        "  b: {promote_through: webhook}\n  c: {gates: [risk]}\nsources: {gitlab: {insecure: true}}\n"
        'audiences: {support: {channel: "#support", every: "0 17 * * *"}}\n'
    )
    code, printed, _ = run(capsys, "config", "check", "policy.yml")
    notes = [line for line in printed.splitlines() if line.startswith("Note: ")]
    assert code == 0
    assert [note.split()[1] for note in notes] == ["a", "b", "support:", "webhooks"]


def test_the_schema_is_printed_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """Ready to be written into a file."""
    code, printed, _ = run(capsys, "config", "schema")
    assert code == 0
    jsonschema.Draft202012Validator.check_schema(json.loads(printed))


@pytest.mark.parametrize("arguments", [("confg",), ("config", "chek"), ("config", "check", "--jsn")])
def test_a_mistyped_command_is_a_usage_error(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]) -> None:
    """Exit code 2, with what was meant."""
    code, _, complained = run(capsys, *arguments)
    assert code == 2
    assert "config" in complained or "check" in complained or "--json" in complained


@pytest.mark.parametrize("verb", [(), ("config", "check"), ("config", "schema")])
def test_every_verb_explains_itself_with_an_example(capsys: pytest.CaptureFixture[str], verb: tuple[str, ...]) -> None:
    """Nobody should have to leave the terminal."""
    code, printed, _ = run(capsys, *verb, "--help")
    assert code == 0
    assert "Example" in printed
    assert f"\n  {' '.join(['shipmate', *verb])}" in printed.replace("    ", "  ")


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Installed or run from the checkout."""
    code, printed, _ = run(capsys, "--version")
    assert code == 0
    assert printed.startswith("shipmate")


def test_help_is_quick_because_nothing_heavy_is_imported() -> None:
    """The database layer, Slack's and GitHub's libraries and the templates all stay on disk."""
    script = (
        "import sys\nfrom bot.cli import main\n"
        "try:\n    main(['config', 'check', '--help'])\nexcept SystemExit:\n    pass\n"
        "print(' '.join(sorted({name.partition('.')[0] for name in sys.modules})), file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(ended.stderr.split())
    assert "typer" in loaded
    heavy = {"sqlmodel", "sqlalchemy", "slack_sdk", "slack_bolt", "github", "alembic", "aiohttp", "jinja2", "yaml"}
    assert loaded & heavy == set()


def test_the_package_can_be_run_as_a_module() -> None:
    """A checkout needs no installation."""
    ended = subprocess.run(
        [sys.executable, "-m", "bot", "config", "check", "shipmate.example.yml"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.startswith("shipmate.example.yml is valid: ")
