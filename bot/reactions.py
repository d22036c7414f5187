"""What happens when: one match over events, and what follows for whatever they touched.

``react`` calls the verbs for the events of one delivery; ``reconsider`` derives the consequences for a touched subject:
cards marked, notes to authors, the next look. A webhook, a click and the clock have the same effect by the same way.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, assert_never

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from bot import outbox, people, work
from bot.catalog import Catalog, Service
from bot.deploys import builds, loading, rules, service
from bot.deploys.loading import Desk
from bot.deploys.models import LONGEST_NAME, Change, Deploy, DeployChange, Target
from bot.deploys.views import Outcome, RangeState
from bot.events import (
    ChangeMerged,
    CheckFinished,
    CheckStatus,
    CommitsPushed,
    DeployReported,
    DeployStatus,
    Event,
    GithubLinked,
    Human,
    Level,
    PreferenceChosen,
    ReleasePublished,
)
from bot.outbox import CardState
from bot.work import Subject


@dataclass(frozen=True)
class Reactions:
    """The reactions of one bot: its catalogue and where its people read code."""

    catalog: Catalog
    forge_url: str

    def react(self, session: Session, events: Sequence[Event], now: datetime) -> str | None:
        """Apply the events of one delivery and all that follows; returns what the person who acted is told."""
        said = None
        for event in events:
            said = self._one(session, event, now) or said
        self.settle(session, now)
        return said

    def settle(self, session: Session, now: datetime) -> None:
        """Derive the consequences for everything touched, until nothing more is."""
        while touched := work.take_touched(session):
            for kind, subject in touched:
                self.reconsider(session, kind, subject, now)

    def due(self, session: Session, subject: Subject, now: datetime) -> None:
        """Look again at one thing whose time has come."""
        kind, number = subject
        if not work.take_due(session, subject, now):
            return  # it was put off meanwhile
        if kind == "deploy" and service.look_whether_stuck(session, number, now):
            self._tell_stuck(session, number, now)
        self.settle(session, now)

    def reconsider(self, session: Session, kind: str, subject: int, now: datetime) -> None:
        """Derive the consequences for one touched subject."""
        if kind in ("deploy", "range"):
            deploy = session.get(Deploy, subject)
            if deploy is not None:  # what it carries is worth an edit at once; mere progress may wait
                self._reconsider_deploy(session, deploy, now, urgent=kind == "range")
        elif kind == "change":
            self._reconsider_change(session, subject)
        else:
            raise AssertionError(f"nobody reconsiders a {kind}")

    def _one(self, session: Session, event: Event, now: datetime) -> str | None:
        match event:
            case ChangeMerged():
                change = service.change_merged(session, event)
                work.touch(session, "change", change.id or 0)
            case CommitsPushed():
                service.commits_pushed(session, event)
            case CheckFinished():
                red = builds.red_before(session, event) if _passes_on_main(event) else ()
                if service.check_finished(session, event) is not None:
                    self._tell_red(session, event, now)
                self._tell_green(session, event, red, now)
            case DeployReported():
                service.reported(session, self.catalog, event, now)
            case ReleasePublished():
                service.release_published(session, event)
            case PreferenceChosen():
                return self._preference(session, event, now)
            case GithubLinked():
                return self._linked(session, event)
            case _:
                assert_never(event)
        return None

    # --- deploys ----------------------------------------------------------------------------------------------------

    def _reconsider_deploy(self, session: Session, deploy: Deploy, now: datetime, *, urgent: bool) -> None:
        target = session.get(Target, deploy.target)
        assert target is not None
        owner = self.catalog.service(target.service)
        urgent = urgent or deploy.state.ended or deploy.stuck_at is not None
        card = outbox.touch_card(session, "deploy", str(deploy.id), owner.channel, now, urgent=urgent)
        if deploy.state is DeployStatus.FAILED:
            outbox.unfold(session, card, now)
        if deploy.state is DeployStatus.IN_PROGRESS and deploy.stuck_at is None:
            since = deploy.in_progress_at or deploy.began_at
            usual = service.usual_duration(session, deploy.target)
            work.schedule(session, "deploy", deploy.id or 0, since + rules.stuck_after(usual))
        elif deploy.state.ended:
            work.cancel(session, "deploy", deploy.id or 0)
        if deploy.range != RangeState.READING:
            self._tell_authors(session, deploy, target, owner, now)

    def _tell_authors(self, session: Session, deploy: Deploy, target: Target, owner: Service, now: datetime) -> None:
        """Each author has one card per change; what must be heard is also said in its thread."""
        final = owner.is_final(target.environment, deploy.final)
        for link, change in service.changes_of(session, deploy.id or 0):
            self._tell_of(session, deploy, change, _outcome(deploy, leaving=link.leaving, final=final), now)
        for change in service.dropped_from(session, deploy.id or 0):
            self._tell_of(session, deploy, change, Outcome.ABSENT, now)

    def _tell_of(
        self, session: Session, deploy: Deploy, change: Change, outcome: Outcome | None, now: datetime
    ) -> None:
        for part, found in loading.author_slack_ids(session, self._desk(now), change):
            place = _standing_place(session, change, part.human, found)
            absent = outcome is Outcome.ABSENT
            if absent and outbox.find_card(session, "change", str(change.id), place) is None:
                continue
            card = outbox.touch_card(session, "change", str(change.id), place, now, urgent=deploy.state.ended)
            aloud = _aloud(session, change, deploy, outcome, place)
            if aloud is None:
                continue  # its card is edited
            if aloud is not Outcome.LIVE:
                outbox.unfold(session, card, now)
            outbox.add_note(
                session, "change", _said(change, deploy, aloud, place), place, now,
                thread=card, change=change.id, deploy=deploy.id, outcome=aloud.value,
            )  # fmt: skip

    def _tell_stuck(self, session: Session, deploy_id: int, now: datetime) -> None:
        desk = self._desk(now)
        told: set[str] = set()
        arriving = [change for row, change in service.changes_of(session, deploy_id) if not row.leaving]
        for change in arriving:
            for _, place in loading.author_slack_ids(session, desk, change):
                if place not in told:
                    told.add(place)
                    outbox.add_note(session, "stuck", f"stuck:{deploy_id}:{place}", place, now, deploy=deploy_id)

    # --- changes ----------------------------------------------------------------------------------------------------

    def _reconsider_change(self, session: Session, change_id: int) -> None:
        """Something new is known of a change: whoever shows it shows it anew."""
        change = session.get(Change, change_id)
        if change is None:
            return
        carrying = session.exec(select(DeployChange.deploy).where(DeployChange.change == change_id)).all()
        waiting = session.exec(
            select(Deploy.id).where(
                Deploy.repo == change.repo, Deploy.sha == change.sha, Deploy.range != RangeState.COMPLETE.value
            )
        ).all()
        for deploy_id in {*carrying, *waiting}:
            if deploy_id is not None:
                service.show_provisionally(session, deploy_id)
                work.touch(session, "deploy", deploy_id)

    def _tell_red(self, session: Session, event: CheckFinished, now: datetime) -> None:
        """A build of the main branch is red: its team hears it, and whoever wrote the commit.

        Once for each commit, however many checks fail: the message names those that have when it is sent.
        """
        if not builds.failed_checks(session, event.repo, event.sha):
            return  # a deploy's own run: its card tells
        owners = self._owners(event.repo)
        key = _red_key(event.repo, event.sha)
        data: dict[str, Any] = {
            "repo": event.repo, "service": owners[0].name, "sha": event.sha, "title": event.title,
            "author": _plain_human(event.author),
        }  # fmt: skip
        for channel in dict.fromkeys(owner.channel for owner in owners):
            outbox.add_note(session, "red_build", f"{key}:{channel}", channel, now, direct=False, **data)
        desk = self._desk(now)
        for human in self._who_wrote(session, event.repo, event.sha, event.author):
            place = people.place_of(session, desk.catalog, human, now)
            if place is not None:
                outbox.add_note(session, "red_build", f"{key}:{place}", place, now, direct=True, **data)

    def _tell_green(self, session: Session, event: CheckFinished, red: Sequence[str], now: datetime) -> None:
        """A red check passes, by another run or a later commit: whoever was told last that it is red hears it once."""
        owners = self._owners(event.repo)
        data: dict[str, Any] = {
            "repo": event.repo, "service": owners[0].name, "check": event.name[:LONGEST_NAME], "sha": event.sha,
            "title": event.title, "url": event.url,
        }  # fmt: skip
        for sha in red:
            key = _red_key(event.repo, sha)
            places = {owner.channel: False for owner in owners}
            for human in self._who_wrote(session, event.repo, sha, None):
                place = people.place_of(session, self.catalog, human, now)
                places |= {place: True} if place is not None else {}
            told = [place for place in places if outbox.noted(session, f"{key}:{place}")]
            for place in told:
                green = f"green:{key.removeprefix('red:')}:{_short_hash(event.name)}:{place}"
                outbox.add_note(session, "green_build", green, place, now, red=key, direct=places[place], **data)
            if told:
                return

    def _owners(self, repo: str) -> Sequence[Service]:
        """The services built from a repository: those of the catalogue, else the one called as it is."""
        return self.catalog.services_of(repo) or (self.catalog.resolve_service(repo, None, "")[0],)

    def _who_wrote(self, session: Session, repo: str, sha: str, author: Human | None) -> Sequence[Human]:
        change = service.change_of_commit(session, repo, sha)
        if change is not None:
            parts = service.parts(session, [change.id or 0])[change.id or 0]
            return [part.human for part in rules.to_be_told(parts)]
        author = service.author_of_commit(session, repo, sha) or author
        return [author] if author is not None and not author.bot else []

    # --- people -----------------------------------------------------------------------------------------------------

    def _linked(self, session: Session, event: GithubLinked) -> str:
        if event.login is None:
            login = people.unlink(session, event.slack_id, event.at)
            if login is None:
                return "You had linked no GitHub login. /ship me shows what I know of you."
            return f"Unlinked: {login} is no longer yours because you said so. /ship me shows what I know of you."
        if not people.link(session, self.catalog, event.slack_id, event.login, event.at):
            return f"{event.login} was linked anew since then: that stands."
        return (
            f"Messages about {event.login}'s changes come to you now, unless Slack knows somebody else by the "
            "address of that account. This routes messages, no more. /ship me github none takes it back."
        )

    def _preference(self, session: Session, event: PreferenceChosen, now: datetime) -> str:
        if not people.choose(session, event.slack_id, event.scope, event.level, event.at):
            return "You chose something else since then: that stands. /ship me shows what you hear."
        cards = session.exec(
            select(outbox.Card).where(
                outbox.Card.kind == "change",
                outbox.Card.place == event.slack_id,
                outbox.Card.state == CardState.LIVE.value,
                col(outbox.Card.ts).is_not(None),
                *_of_scope(event.scope),
            ).order_by(col(outbox.Card.id).desc()).limit(RECENT_CARDS)
        ).all()  # fmt: skip
        for card in cards:
            outbox.touch_card(session, card.kind, card.subject, card.place, now, urgent=True)
        return self._preference_said(session, event)

    def _preference_said(self, session: Session, event: PreferenceChosen) -> str:
        if event.scope == people.EVERYTHING:
            return PREFERENCE_SAID[event.level]
        change = session.get(Change, int(event.scope.removeprefix("change:")))
        label = change.label if change else "that change"
        if event.level is Level.NONE:
            return (
                f"Muted {label}: you will hear no more of it. Unmute it on its card, or with /ship me unmute {label}."
            )
        return f"Unmuted {label}: {UNMUTED_HEARS[people.level_of(session, event.slack_id)]}"

    def _desk(self, now: datetime) -> Desk:
        return Desk(self.catalog, self.forge_url, now)


RECENT_CARDS = 5
"""How many of a person's cards are edited when they mute everything: those in view; the others follow when touched."""

UNMUTED_HEARS = {
    Level.ALL: "you will hear how it goes.",
    Level.FAILURES: "you will hear of it when it fails, as of all your changes. /ship me unmute brings the rest back.",
    Level.NONE: "but all your changes are muted, so you still hear nothing of it. /ship me unmute takes that back.",
}
"""What unmuting one change comes to, by how much somebody wants to hear of everything."""

PREFERENCE_SAID = {
    Level.ALL: "You will hear how each of your changes goes. /ship me failures keeps it to what went wrong.",
    Level.FAILURES: "You will only hear of your changes when they fail. /ship me unmute brings the rest back.",
    Level.NONE: "Muted: you hear nothing of your changes. /ship me unmute takes it back.",
}


def _passes_on_main(event: CheckFinished) -> bool:
    return event.main and event.status is CheckStatus.PASSED


def _red_key(repo: str, sha: str) -> str:
    """What makes saying that a commit is red the same as saying it before; the place follows."""
    return f"red:{_short_hash(f'{repo.lower()}@{sha}')}"


def _short_hash(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()[:32]


def _of_scope(scope: str) -> Sequence[ColumnElement[bool]]:
    """Which change cards a preference's scope covers."""
    return () if scope == people.EVERYTHING else (col(outbox.Card.subject) == scope.removeprefix("change:"),)


def _outcome(deploy: Deploy, *, leaving: bool, final: bool) -> Outcome | None:
    """What an author must hear of this deploy now; None while an edit of their card is enough."""
    if deploy.state is DeployStatus.FAILED:
        return None if leaving else Outcome.FAILED
    if deploy.state is DeployStatus.SUCCEEDED and final:
        return Outcome.LEFT if leaving else Outcome.LIVE
    return None


def _aloud(session: Session, change: Change, deploy: Deploy, outcome: Outcome | None, place: str) -> Outcome | None:
    """What is to be said in this person's thread: the outcome, or that what was said to them before does not hold."""

    def heard(*said: Outcome) -> bool:
        return any(outbox.noted(session, _said(change, deploy, one, place)) for one in said)

    if outcome is Outcome.ABSENT:
        return outcome if heard(Outcome.LIVE, Outcome.FAILED) else None
    if outcome is None and deploy.state.ended and heard(Outcome.FAILED):
        return Outcome.CORRECTED
    return outcome


def _standing_place(session: Session, change: Change, human: Human, place: str) -> str:
    """Where to write to somebody about a change: where its card stands, also once Slack must be asked again."""
    former = people.formerly(session, human) if place.startswith(outbox.WHO) else None
    if former is not None and outbox.find_card(session, "change", str(change.id), former) is not None:
        return former
    return place


def _said(change: Change, deploy: Deploy, outcome: Outcome, place: str) -> str:
    """What makes saying this to them the same as saying it before."""
    return f"change:{change.id}:{deploy.id}:{outcome.value}:{place}"


def _plain_human(human: Human | None) -> dict[str, str | None] | None:
    return {"login": human.login, "name": human.name, "email": human.email} if human is not None else None
