"""What happens when: one match over events, and what follows for whatever they touched.

``react`` calls the verbs for the events of one delivery; ``reconsider`` derives the consequences for a touched subject:
cards marked, notes to authors, the next look. A webhook, a click and the clock have the same effect by the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from bot import people as persons
from bot import work
from bot.alerts import service as alerting
from bot.catalog import Catalog
from bot.deploys import builds, service
from bot.deploys.loading import Desk
from bot.deploys.models import Deploy
from bot.events import (
    AlertMapped,
    AlertReported,
    ChangeMerged,
    CheckFinished,
    CommitsPushed,
    DeployReported,
    Event,
    FlagChanged,
    GateRequested,
    GithubLinked,
    HoursChosen,
    IdentityProven,
    PagerAnswered,
    PreferenceChosen,
    ReleasePublished,
    RunEnded,
)
from bot.locks import service as locks
from bot.promotions import service as promotions
from bot.reactions import alerts, changes, deploys, forecasts, incidents, people, trains
from bot.reactions import promotions as promoting
from bot.reactions.asked import Asked, asked
from bot.work import Subject

Said = PreferenceChosen | GithubLinked | IdentityProven | HoursChosen | AlertMapped | Asked
"""What people do, each of which is answered."""


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
            read = [one for one in touched if one[0] in persons.KINDS]
            if read:  # all at once: a group brings its members along
                promoting.people_read(session, self._desk(now), read)
            for kind, subject in touched:
                if kind not in persons.KINDS:
                    self.reconsider(session, kind, subject, now)

    def due(self, session: Session, subject: Subject, now: datetime) -> None:
        """Look again at one thing whose time has come."""
        kind, number = subject
        if not work.take_due(session, subject, now):
            return  # it was put off meanwhile
        if kind == "deploy":
            if service.look_whether_stuck(session, number, now):
                deploys.tell_stuck(session, self._desk(now), number, now)
        elif kind == "promotion":
            promoting.due(session, self._desk(now), number, now)
        elif kind == locks.LOCK:
            locks.due(session, self.catalog, number, now)
        elif kind == locks.FREEZE:
            locks.freeze_due(session, self.catalog, number, now)
        elif kind in trains.KINDS:
            trains.due(session, self._desk(now), kind, number, now)
            forecasts.boarding_changed(session, self._desk(now), kind, number, now)
        elif kind in persons.KINDS:
            persons.due(session, kind, number, now)
        elif kind in alerting.KINDS:
            alerts.due(session, self._desk(now), kind, number, now)
        elif kind in incidents.KINDS:
            incidents.due(session, self._desk(now), kind, number, now)
        self.settle(session, now)

    def begin(self, session: Session, now: datetime) -> None:
        """The policy may be another one than before the start: whatever waits is judged by the present one."""
        promoting.touch_all(session)
        trains.begin(session, self._desk(now), now)
        incidents.begin(session, self._desk(now), now)
        self.settle(session, now)

    def reconsider(self, session: Session, kind: str, subject: int, now: datetime) -> None:
        """Derive the consequences for one touched subject."""
        if kind in ("deploy", "range"):
            deploy = session.get(Deploy, subject)
            if deploy is not None:  # what it carries is worth an edit at once; mere progress may wait
                deploys.reconsider(session, self._desk(now), deploy, now, urgent=kind == "range")
                incidents.deploy_moved(session, self._desk(now), deploy, now)
        elif kind == "change":
            changes.reconsider_change(session, subject)
            promotions.touch_change(session, subject)
        elif kind == "target":
            promoting.reconsider(session, self._desk(now), subject, now)
            trains.target_changed(session, subject)
            forecasts.target_changed(session, self._desk(now), subject, now)
        elif kind == alerting.WATCHED:
            promoting.show_watched(session, self._desk(now), subject, now)
        elif kind == "live":
            promoting.show_live(session, self._desk(now), subject, now)
        elif kind == trains.DEPARTURE:
            trains.reconsider(session, self._desk(now), subject, now)
        else:
            raise AssertionError(f"nobody reconsiders a {kind}")

    def _one(self, session: Session, event: Event, now: datetime) -> str | None:
        desk = self._desk(now)
        match event:
            case ChangeMerged():
                change = service.change_merged(session, event)
                work.touch(session, "change", change.id or 0)
                forecasts.merged(session, desk, change, now)
            case CommitsPushed():
                service.commits_pushed(session, event)
            case CheckFinished():
                red = builds.red_before(session, event) if changes.passes_on_main(event) else ()
                if service.check_finished(session, event) is not None:
                    changes.tell_red(session, desk, event, now)
                changes.tell_green(session, desk, event, red, now)
                promotions.touch_build(session, event.sha)
                forecasts.check_finished(session, desk, event, now)
            case DeployReported():
                deploy = service.reported(session, self.catalog, event, now)
                promoting.deploy_reported(session, desk, deploy, event, now)
            case ReleasePublished():
                service.release_published(session, event)
            case AlertReported() | FlagChanged() | PagerAnswered():
                alerts.heard(session, desk, event, now)
            case GateRequested():
                promotions.gate_requested(session, desk, event, now)
            case RunEnded():
                promotions.run_ended(session, event, now)
            case _:
                return self._said(session, desk, event, now)
        return None

    def _said(self, session: Session, desk: Desk, event: Said, now: datetime) -> str:
        """What a person says or asks for; what they are told."""
        match event:
            case PreferenceChosen():
                return people.preference(session, event, now)
            case GithubLinked():
                return people.linked(session, desk, event)
            case IdentityProven():
                return people.proven(session, desk, event)
            case HoursChosen():
                return people.hours_chosen(session, desk, event)
            case AlertMapped():
                return alerts.mapped(session, desk, event, now)
            case _:
                return asked(session, desk, event, now)

    def _desk(self, now: datetime) -> Desk:
        return Desk(self.catalog, self.forge_url, now)
