"""The cards of what has ended: shown anew whenever they would say something else, and left alone otherwise."""

from __future__ import annotations

import random
from typing import Any

import pytest
from sqlmodel import Session, select

from bot.deploys import service as deploys
from bot.deploys.models import Deploy
from bot.errors import UserError
from bot.events import (
    AlertMapped,
    AlertReported,
    CheckFinished,
    CheckStatus,
    LockAct,
    LockActed,
    LockPlaced,
)
from bot.locks import scopes
from bot.outbox import Card
from bot.promotions import finding, loading
from bot.promotions.models import Promotion, State
from bot.promotions.views import PromotionCard
from bot.reactions.promotions import SHOWN_AGAIN
from tests.unit.promoting import world
from tests.unit.reports import REPO, carrying, pull, sha_of

BUILDS = "bcdefghi"


class Story:
    """What happens to one service, a step at a time."""

    def __init__(self, session: Session, seed: int) -> None:
        self.here = world(session, gates=())
        self.chosen = random.Random(seed)
        self.builds = iter(BUILDS)
        self.here.lives()

    def ships(self, *, status: str = "succeeded") -> None:
        """A newer build goes the whole way, or fails at its end."""
        sha = next(self.builds)
        self.here.stage(sha)
        promotion = self._waiting()
        if promotion is None or promotion.sha != sha_of(sha):
            return
        self.here.read(pull(800 + ord(sha), sha))
        self.here.at += 1
        self._rolls(sha, status)

    def fails(self) -> None:
        """Its rollout fails."""
        self.ships(status="failed")

    def goes_back(self) -> None:
        """Somebody takes the latest build out again."""
        self.here.roll_back()
        promotion = self._waiting()
        if promotion is not None:
            self.here.at += 1
            self._rolls(promotion.sha[0], "succeeded")

    def goes_round(self) -> None:
        """A rollout that nobody asked us for: an older build, as a console would."""
        self.here.ship("a", number=f"round{self.here.at}")

    def turns_out_failed(self) -> None:
        """What was reported live is reported failed since."""
        live = self.here.session.exec(select(Deploy).where(Deploy.status == "succeeded")).all()[-1]
        self.here.ship(live.sha[0], "failed", number=f"p{live.sha[0]}")

    def is_read(self) -> None:
        """The forge tells what each rollout carries: only then is it known which of them went back."""
        builds = "a" + BUILDS
        for deploy in self.here.session.exec(select(Deploy)).all():
            before = deploy.previous_sha[0] if deploy.previous_sha else "a"
            back = builds.index(deploy.sha[0]) < builds.index(before)
            number = 800 + ord(before if back else deploy.sha[0])
            moved = (pull(number, before if back else deploy.sha[0]),)
            found = carrying(leaving=moved) if back else carrying(*moved)
            deploys.range_read(self.here.session, self.here.catalog, deploy.id or 0, deploy.previous_sha, found,
                               self.here.now)  # fmt: skip
        self.here.reactions.settle(self.here.session, self.here.now)

    def fires(self) -> None:
        """An alert of the service's, which may have begun long ago, or of an environment before."""
        number = self.chosen.randrange(3)
        began = self.here.now if number else self.here.desk.now.replace(hour=1)
        self._alert(number, environment="staging" if number == 2 else None, started_at=began)

    def is_over(self) -> None:
        """All of one alert's."""
        number = self.chosen.randrange(3)
        self._alert(number, started_at=None, resolved_at=self.here.now)

    def is_nobodys(self) -> None:
        """An alert of nobody's fires, and somebody says that it is the service's."""
        self._alert(9, service=None, started_at=self.here.now)
        self.here.tell(AlertMapped(alert=1, service="oven", slack_id="U0ANA", called="Ana", at=self.here.now))

    def is_checked(self) -> None:
        """A check ends on some build."""
        sha = sha_of(self.chosen.choice(BUILDS))
        self.here.tell(
            CheckFinished(repo=REPO, sha=sha, name="e2e", status=CheckStatus.PASSED, main=True, run=1, at=self.here.now)
        )

    def is_locked(self) -> None:
        """Somebody locks it, or unlocks what stands."""
        standing = scopes.standing(self.here.session)
        if standing:
            self.here.tell(
                LockActed(
                    act=LockAct.LIFT, lock=standing[0].id, scope=None, slack_id="U0ANA", called="Ana", at=self.here.now
                )
            )
        else:
            self.here.tell(
                LockPlaced(
                    scope="oven",
                    reason="wait",
                    ends_at=None,
                    rollbacks=True,
                    slack_id="U0ANA",
                    called="Ana",
                    channel=None,
                    at=self.here.now,
                )
            )

    def time_passes(self) -> None:
        """Some of it, or more than anything is watched for."""
        self.here.turn(self.here.at + self.chosen.choice((3, 20, 70)))

    def _rolls(self, sha: str, status: str) -> None:
        self.here.call()
        for said in ("in_progress", status):
            self.here.ship(sha, said, number=f"p{sha}{self.here.at}")

    def _waiting(self) -> Promotion | None:
        waiting = (State.OPEN.value, State.STARTING.value)
        found = self.here.session.exec(select(Promotion)).all()
        return next((one for one in found if one.state in waiting), None)

    def _alert(self, number: int, **more: Any) -> None:
        usual: dict[str, Any] = {"service": "oven", "environment": None, "at": self.here.now}
        self.here.tell(
            AlertReported(source="grafana", fingerprint=f"f{number}", name=f"alert {number}", **{**usual, **more})
        )

    def shown(self) -> dict[str, tuple[int, PromotionCard]]:
        """Each card of a promotion that has ended: how often it was shown anew, and what it would say now.

        Of those that failed only the last few go on saying what is live instead.
        """
        found = {}
        failed = sorted(one.id or 0 for one in self.here.session.exec(select(Promotion)).all() if one.state == "failed")
        for card in self.here.session.exec(select(Card).where(Card.kind == "promotion", Card.place == "#bakers")).all():
            promotion = finding.present(self.here.session, int(card.subject))
            assert promotion is not None
            if State(promotion.state).ended and promotion.id not in failed[:-SHOWN_AGAIN]:
                view = loading.promotion_card(self.here.session, self.here.desk, promotion)
                found[card.subject] = (card.version, view)
        return found


STEPS = (
    *("ships", "ships", "is_read", "goes_back", "fails", "goes_round", "turns_out_failed"),
    *("fires", "fires", "is_over", "is_over", "is_nobodys", "is_checked", "is_locked", "time_passes"),
)


def told(session: Session, seed: int, most: int) -> int:
    """Live through a story; how often a card of what had ended said something else than before."""
    story = Story(session, seed)
    moved = 0
    before = story.shown()
    for _ in range(most):
        name = story.chosen.choice(STEPS)
        story.here.at += 0.5
        try:
            with session.begin_nested():
                getattr(story, name)()
        except (UserError, StopIteration):
            session.info.pop("touched", None)
            session.expire_all()
        after = story.shown()
        for subject, (version, view) in after.items():
            if subject not in before:
                continue
            former_version, former = before[subject]
            assert view == former or version > former_version, (name, subject)
            moved += view != former
        before = after
    return moved


@pytest.mark.parametrize("seed", range(6))
def test_no_card_that_has_ended_says_what_is_not_so_any_more(sqlite_session: Session, seed: int) -> None:
    """Whatever would make it say something else has it shown anew: rollouts, alerts and the end of its watch."""
    told(sqlite_session, seed, 14)


def test_the_stories_are_such_that_cards_change_after_their_end(sqlite_session: Session) -> None:
    """Else the above could not fail."""
    assert told(sqlite_session, 3, 40) >= 5


def test_what_is_judged_again_leaves_the_cards_of_what_has_ended_alone(sqlite_session: Session) -> None:
    """Checks, locks and clicks touch the target; only what waits there is judged."""
    story = Story(sqlite_session, 1)
    story.ships()
    story.ships()
    before = story.shown()
    assert len(before) == 2
    for name in ("is_checked", "is_locked", "is_locked", "is_checked"):
        story.here.at += 0.5
        getattr(story, name)()
    assert {subject: version for subject, (version, _) in story.shown().items()} == {
        subject: version for subject, (version, _) in before.items()
    }
