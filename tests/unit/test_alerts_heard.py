"""An alert on what went live is heard: in its card's thread, by its authors, in /ship status and at Home."""

from __future__ import annotations

import pytest
from sqlmodel import Session, col, select

from bot.alerts.views import AlertView
from bot.answers.home import home
from bot.answers.status import status
from bot.events import Act, AlertReported
from bot.gates import Approval, Lock, Order
from bot.outbox import Card, Note
from bot.promotions import loading, notes
from bot.rendering import Renderer
from tests.unit.promoting import World, world
from tests.unit.reports import minute, pull

URL = "https://grafana.example/d/5xx"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One engine will do: nothing here depends on it."""
    return sqlite_url


@pytest.fixture
def live(session: Session) -> World:
    """Ana's change went live a minute ago."""
    here = world(session, gates=(Lock(), Order(), Approval()))
    promotion = here.raised("b", "a", pull(815, "b"))
    here.act(Act.APPROVE)
    here.at += 1
    here.call()
    here.ship("b", promotion=promotion.id)
    here.at += 1
    return here


def alert(here: World, *, over: bool = False, began: float | None = None, name: str = "oven 5xx") -> None:
    """The monitoring tells of it."""
    here.tell(
        AlertReported(
            source="api", fingerprint="5xx", service="oven", environment=None, name=name, url=URL,
            started_at=None if over else minute(here.at if began is None else began),
            resolved_at=here.now if over else None, at=here.now,
        )
    )  # fmt: skip


def test_it_is_said_once_in_the_thread_and_to_the_authors_and_corrected(live: World) -> None:
    """A report that comes twice is one; the end of it is said wherever the beginning was."""
    began = live.at
    alert(live)
    alert(live, began=began)
    assert live.said()[-1:] == live.heard("U0ANA")[-1:] == ["alert"]
    assert (live.said().count("alert"), live.heard("U0ANA").count("alert")) == (1, 1)
    live.at += 5
    alert(live, over=True)
    assert live.said()[-2:] == live.heard("U0ANA")[-2:] == ["alert", "alert_over"]


def test_what_comes_and_goes_is_not_said_each_time(live: World) -> None:
    """Twice in half an hour; a beginning that nobody read of has no end either. Later it is news again."""
    for _ in range(4):
        alert(live)
        live.at += 1
        alert(live, over=True)
        live.at += 1
    assert (live.said().count("alert"), live.said().count("alert_over")) == (2, 2)
    assert live.heard("U0ANA").count("alert") == 2
    live.at += 31
    alert(live)
    assert live.said().count("alert") == 3


def test_its_card_the_status_and_home_show_it_with_its_link_until_it_is_over(live: World, session: Session) -> None:
    """Approvers and authors see it at Home; somebody who has nothing to do with it does not."""
    alert(live)
    firing = (AlertView(name="oven 5xx", since=live.now, url=URL),)
    assert loading.promotion_card(session, live.desk, live.present()).alerts == firing
    (oven,) = status(session, live.desk, "oven").services
    assert [one.alerts for one in oven.targets if one.environment == "production"] == [firing]
    assert [one.alert for one in home(session, live.desk, "U0ANA").alarms] == list(firing)
    assert home(session, live.desk, "U0CHI").alarms == ()
    live.at += 1
    alert(live, over=True)
    assert loading.promotion_card(session, live.desk, live.present()).alerts == ()
    assert home(session, live.desk, "U0ANA").alarms == ()


def test_a_name_that_is_a_story_is_cut_wherever_it_is_read(live: World, session: Session) -> None:
    """Monitors put whole sentences into names; the rest of what is to be read comes after them."""
    alert(live, name="oven " + "x" * 400)
    said = session.exec(select(Note).where(Note.place == "U0ANA").order_by(col(Note.id).desc())).first()
    assert said is not None
    note = notes.promotion_note(session, live.desk, said)
    renderer = Renderer()
    shown = [
        renderer.message("replies/status", status(session, live.desk, "oven"), key="k").text,
        renderer.message("cards/promotion", loading.promotion_card(session, live.desk, live.present()), key="k").text,
        renderer.message("notes/promotion_said", note, key="k").text,
        str(renderer.home("home/home", home(session, live.desk, "U0ANA"))),
    ]
    for words in shown:
        assert f"{'x' * 114}…" in words
        assert "x" * 115 not in words


def test_what_fired_before_the_rollout_is_not_blamed_on_it(live: World) -> None:
    """Nor is one after the watch: nobody looks at that card any more."""
    alert(live, began=live.at - 60)
    live.at += 120
    alert(live)
    assert "alert" not in live.said()


def test_a_watch_that_is_over_is_shown_to_be_over_however_late_the_clock_comes(live: World, session: Session) -> None:
    """Its card would say "Watching until" for ever."""
    shown = select(Card.version).where(Card.kind == "promotion", Card.place == "#bakers")
    before = session.exec(shown).one()
    live.turn(live.at + 180)
    assert loading.promotion_card(session, live.desk, live.present()).watched_until is None
    assert session.exec(shown).one() > before
