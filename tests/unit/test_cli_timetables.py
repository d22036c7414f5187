"""``shipmate config check`` shows when trains depart, on the clock of those who take them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.cli import main

POLICY = """\
timezone: Europe/Paris
services:
  cart: {environments: [staging, production], promote_through: argo-rollouts}
  search: {environments: [staging, production]}
trains:
"""
WEB = '  web: {services: [cart], to: production, departs: "30 2,14 * * *", boarding_closes: 15m}\n'


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def check(capsys: pytest.CaptureFixture[str], trains: str, since: str, *arguments: str) -> str:
    """What is printed for a policy with these trains."""
    Path("policy.yml").write_text(POLICY + trains)
    with pytest.raises(SystemExit) as left:
        main(["config", "check", "policy.yml", "--since", since, *arguments])
    assert left.value.code in (None, 0)
    return capsys.readouterr().out


def test_the_next_ten_departures_are_shown_with_what_is_odd_about_them(capsys: pytest.CaptureFixture[str]) -> None:
    """By the clock of the train's zone, named; the spring night has no half past two."""
    assert check(capsys, WEB, "2027-03-26") == (
        "policy.yml is valid: 2 services, 1 train.\n"
        "\n"
        "web departs next (Europe/Paris):\n"
        "  Fri 26 Mar 2027 02:30 CET, boarding closes 02:15\n"
        "  Fri 26 Mar 2027 14:30 CET, boarding closes 14:15\n"
        "  Sat 27 Mar 2027 02:30 CET, boarding closes 02:15\n"
        "  Sat 27 Mar 2027 14:30 CET, boarding closes 14:15\n"
        "  Sun 28 Mar 2027 03:00 CEST, boarding closes 01:45"
        " · 02:30 does not come that day: the clocks are put forward\n"
        "  Sun 28 Mar 2027 14:30 CEST, boarding closes 14:15\n"
        "  Mon 29 Mar 2027 02:30 CEST, boarding closes 02:15\n"
        "  Mon 29 Mar 2027 14:30 CEST, boarding closes 14:15\n"
        "  Tue 30 Mar 2027 02:30 CEST, boarding closes 02:15\n"
        "  Tue 30 Mar 2027 14:30 CEST, boarding closes 14:15\n"
    )


def test_a_time_that_comes_twice_is_said_to_be_kept_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Where the zone's offset has no name, it is written out; a day that differs is named."""
    text = "{services: [cart], to: production, timezone: Australia/Lord_Howe, departs: 45 1 * * *, boarding_closes: 3h}"
    lines = check(capsys, f"  web: {text}\n", "2027-04-02T15:00").splitlines()
    twice = "01:45 comes twice that day: it departs the first time"
    assert lines[2:5] == [
        "web departs next (Australia/Lord_Howe):",
        f"  Sun 04 Apr 2027 01:45 UTC+11:00, boarding closes Sat 03 Apr 22:45 · {twice}",
        "  Mon 05 Apr 2027 01:45 UTC+10:30, boarding closes Sun 04 Apr 22:45",
    ]


def test_what_departs_as_the_day_begins_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """The day is meant as a whole."""
    text = "  web: {services: [cart], to: production, timezone: UTC, departs: 0 0 * * *}\n"
    assert "  Sat 02 Jan 2027 00:00 UTC, boarding closes 00:00\n" in check(capsys, text, "2027-01-02")


def test_a_timetable_that_ends_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """And one that has ended is noted rather than shown."""
    rule = '"DTSTART:20270101T100000\\nRRULE:FREQ=DAILY;COUNT=2"'
    text = f"  web: {{services: [cart], to: production, departs: {rule}}}\n"
    assert check(capsys, text, "2027-01-01").endswith(
        "02 Jan 2027 10:00 CET, boarding closes 10:00\n  and never again.\n"
    )
    assert check(capsys, text, "2027-01-03") == (
        "policy.yml is valid: 2 services, 1 train.\nNote: the train web never departs again: its timetable has ended.\n"
    )


def test_what_is_allowed_and_may_surprise_is_noted(capsys: pytest.CaptureFixture[str]) -> None:
    """Boarding that closes before the train before has left; a service that nothing brings there."""
    text = "  web: {services: [cart, search], to: production, departs: '0 9,10 * * *', boarding_closes: 2h}\n"
    printed = check(capsys, text, "2027-01-02")
    assert [line for line in printed.splitlines() if line.startswith("Note: ")] == [
        "Note: the train web closes boarding for Sat 02 Jan 2027 10:00 before the one at 09:00 has left.",
        "Note: search names no promote_through, so the train web leaves without it.",
    ]


def test_programs_read_instants(capsys: pytest.CaptureFixture[str]) -> None:
    """In UTC, with the same as the clock on the wall shows it."""
    (web,) = json.loads(check(capsys, WEB, "2027-03-28", "--json"))["trains"]
    assert (web["name"], web["timezone"], len(web["departures"])) == ("web", "Europe/Paris", 10)
    assert web["departures"][0] == {
        "departs_at": "2027-03-28T01:00:00Z",
        "local": "2027-03-28T03:00:00+02:00",
        "boarding_closes_at": "2027-03-28T00:45:00Z",
        "note": "02:30 does not come that day: the clocks are put forward",
    }
    assert web["departures"][1]["note"] is None
