"""What a rollout is told that does not say which build it is; and what a request wants in which nobody is named."""

from __future__ import annotations

import pytest
from sqlmodel import Session

from bot.catalog import PromoteThrough
from bot.events import Act, PromotionRequested, Via
from bot.gates import Approval, Lock, Order
from bot.promotions import service as promotions
from bot.promotions.asking import NAME_IT
from bot.promotions.models import State
from bot.promotions.service import Answer
from tests.unit.promoting import World, sha_of, world
from tests.unit.reports import pull

QUICK = (Lock(), Order(), Approval())
CALLED = [way for way in PromoteThrough if way not in (PromoteThrough.ARGO_ROLLOUTS, PromoteThrough.GITHUB_ENVIRONMENT)]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One engine will do: what is asked here takes no lock."""
    return sqlite_url


def asked(here: World, sha: str | None = None) -> Answer:
    """What a rollout is told."""
    return promotions.ask(here.session, here.desk, "oven", "production", sha_of(sha) if sha else None)


def called(session: Session, through: PromoteThrough) -> World:
    """A world in which a promotion's pipeline was called a moment ago."""
    here = world(session, gates=QUICK, promote_through=through)
    here.raised("b", "a", pull(815, "b"))
    here.act(Act.APPROVE)
    here.at += 1
    here.call()
    assert here.present().state == State.ROLLING
    return here


@pytest.mark.parametrize("through", CALLED)
def test_what_we_called_is_let_through_without_its_name(session: Session, through: PromoteThrough) -> None:
    """It waits while the promotion does, and while somebody's lock stops it; nothing else rolls out there."""
    here = world(session, gates=QUICK, promote_through=through)
    here.raised("b", "a", pull(815, "b"))
    assert (asked(here).state, asked(here).sha) == ("pending", sha_of("b"))
    here.act(Act.APPROVE)
    assert (asked(here).state, asked(here).promotion) == ("pending", here.present().id), "it can still be undone"
    here.at += 1
    here.call()
    answer = asked(here)
    assert (answer.state, answer.sha, answer.reason) == ("approved", sha_of("b"), "every gate is open")
    here.ship("b", "in_progress", promotion=answer.promotion)
    assert asked(here).state == "approved"
    here.ship("b", "succeeded", promotion=answer.promotion)
    assert (asked(here).state, asked(here).reason) == ("pending", f"no promotion is open; {NAME_IT}")
    assert asked(here, "b").state == "approved"


def test_with_another_rollout_there_a_name_is_needed(session: Session) -> None:
    """Nobody could tell which of the two asks."""
    here = called(session, PromoteThrough.GITHUB_DEPLOYMENT)
    here.ship("c", "in_progress", source="other")
    assert (asked(here).state, asked(here).reason) == ("pending", NAME_IT)
    assert asked(here, "b").state == "approved"


def test_where_rollouts_begin_by_themselves_a_name_is_always_needed(session: Session) -> None:
    """A newer build may ask while an older one rolls out; whoever waits is told at once what it waits for."""
    here = world(session, gates=QUICK, promote_through=PromoteThrough.ARGO_ROLLOUTS)
    here.raised("b", "a", pull(815, "b"))
    assert (asked(here).state, asked(here).reason) == ("pending", f"approval: needs 1 yes; {NAME_IT}")
    here.act(Act.APPROVE)
    here.at += 1
    here.call()
    assert (asked(here).state, asked(here).reason) == ("pending", NAME_IT)
    assert asked(here, "b").state == "approved"
    assert asked(here, "c").state == "pending"


@pytest.mark.parametrize(
    ("by", "wanted"), [("github:ana", 1), (None, 2), ("github:deploy[bot]", 2), ("github:mallory", 2)]
)
def test_a_request_in_which_nobody_known_is_named_wants_one_more_yes(
    session: Session, by: str | None, wanted: int
) -> None:
    """Whoever asked may be the first to approve it; they are told what would have spared that."""
    here = world(session, gates=QUICK)
    here.raised("b", "a", pull(815, "b"))
    here.act(Act.REJECT)
    said = here.tell(
        PromotionRequested(
            service="oven", environment=None, sha=sha_of("b"), by=by, via=Via.API, at=here.now
        )
    )  # fmt: skip
    assert said is not None
    assert ("requested_by" in said) is (wanted == 2)
    here.read(pull(815, "b"))
    promotion = here.present()
    for number, who in enumerate(["U0DEE", "U0EVE"][:wanted], 1):
        assert promotion.state == State.OPEN
        here.act(Act.APPROVE, who)
        assert (promotion.state == State.STARTING) is (number == wanted)
