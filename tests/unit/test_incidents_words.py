"""What is said of an incident is said once, and is true: how long it took, what was done to a flag, who is on it."""

from __future__ import annotations

import pytest
from sqlmodel import Session

from bot.answers.incidents import overview
from bot.events import IncidentAct, IncidentActed
from bot.incidents import acts
from bot.incidents.plain import was_turned
from tests.unit.seeing import RENDERER, burning, buttons, card, heard, page_shown, shown


@pytest.mark.parametrize(
    ("summary", "words"),
    [
        ("turned off", "was turned off"),
        ("turned on: served to everybody", "was turned on"),
        ("off", "was turned off"),
        ("Switched on", "was turned on"),
        ("disabled", "was disabled"),
        ("on → off", "was turned"),
        ("25 % → 50 %", "was turned"),
        ("offers new basket", "was turned"),
        ("", "was turned"),
        (None, "was turned"),
    ],
)
def test_a_flag_is_said_to_be_turned_as_it_was(summary: str | None, words: str) -> None:
    assert was_turned(summary) == words


def test_how_long_it_lasted_is_not_how_long_it_took_to_recover(sqlite_session: Session) -> None:
    """It began at 12:12, nothing fired after 12:16, and Ana says at 12:30 that it is over."""
    here = burning(sqlite_session)
    here.at = 16
    here.over()
    here.at = 30
    said = here.acts(IncidentAct.RESOLVE, text="It mended itself")
    assert said.startswith("Resolved: incident 1 (checkout 5xx), 18 min after it began (recovered after 4 min).")
    assert "Resolved 18 min after it began (recovered after 4 min): It mended itself" in here.entries()


def test_a_call_that_left_is_one_line_of_the_timeline_and_so_is_its_alert(sqlite_session: Session) -> None:
    here = burning(sqlite_session)
    assert [one for one in here.entries() if "Ana" in one] == ["Ana is called: wrote #812"]
    here.calls()
    assert [one for one in here.entries() if "Ana" in one] == ["Ana was woken: wrote #812"]
    assert [one for one in here.entries() if "checkout 5xx" in one] == ["checkout 5xx fired"]


def test_nobody_is_on_one_that_is_over_and_who_resolved_it_is_you_to_yourself(sqlite_session: Session) -> None:
    here = burning(sqlite_session)
    here.calls()
    here.acts(IncidentAct.MINE)
    here.over()
    here.acts(IncidentAct.RESOLVE, text="Rolled back")
    view = overview(here.session, here.desk)
    assert "is on it" not in RENDERER.message("replies/incidents", view, key="k").text
    message = page_shown(here, "U0ANA")
    assert message is not None
    assert "any more: you resolved it" in message.text


def test_what_was_judged_is_not_asked_about_again(sqlite_session: Session) -> None:
    """Of none of them being it too: the card does not go on calling one likely, with confidence."""
    here = burning(sqlite_session)
    here.over()
    assert "It was this" in buttons(card(here))
    here.acts(IncidentAct.RESOLVE, text="It was the network", likely=0)
    assert "It was this" not in buttons(card(here))
    assert "It was none of the likely changes" in shown(card(here))
    assert "confidence" not in shown(card(here))
    assert "Likely change 1 of 1, it was not this" in shown(card(here))


def test_who_names_somebody_else_is_named_with_them(sqlite_session: Session) -> None:
    here = burning(sqlite_session)
    event = IncidentActed(
        act=IncidentAct.LEAD, incident=here.incident().id, who="U0CHI", slack_id="U0DEE", called="Dee", at=here.now
    )
    acts.act(here.session, here.desk, event, here.now)
    (told,) = heard(here, "incident_said", "role")
    assert "leads now, says Dee" in told
