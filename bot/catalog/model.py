"""What the rest of the bot asks the catalogue: services, teams, people and policies, typed and frozen.

A service that the catalogue does not name is no error: it gets the default policy. Names are matched without regard
to case and answered in the catalogue's own spelling.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from zoneinfo import ZoneInfo

from bot.catalog.globs import glob_pattern
from bot.events import AlertLevel
from bot.gates import DEFAULT_GATES, Gate

_FINAL_NAMES = frozenset({"production", "prod", "live"})
"""Environments that are taken for the last one where neither the catalogue nor the sender says."""


class PromoteThrough(StrEnum):
    """How a promotion is carried out."""

    GITHUB_ENVIRONMENT = "github-environment"
    """By answering the environment's custom protection rule."""
    GITHUB_DEPLOYMENT = "github-deployment"
    """By creating a deployment."""
    GITHUB_WORKFLOW = "github-workflow"
    """By dispatching a workflow."""
    WEBHOOK = "webhook"
    """By a signed call to the pipeline."""
    ARGO_ROLLOUTS = "argo-rollouts"
    """By a rollout that asks us whether it may go on."""


class Supersede(StrEnum):
    """What a newer build does to a promotion that is still open."""

    NEVER = "never"
    """It waits as the next one."""
    ALWAYS = "always"
    """It takes over; approvals are void."""


class PagingMode(StrEnum):
    """What an alert after a rollout does to the people who wrote it."""

    PAGE = "page"
    """It wakes them."""
    SHADOW = "shadow"
    """The channel reads whom it would wake."""
    OFF = "off"
    """Nothing."""


class OutsideHours(StrEnum):
    """Who is woken first outside the working hours that somebody has set for themselves."""

    ON_CALL = "on-call"
    AUTHOR = "author"


class Turns(StrEnum):
    """When a train's rota passes to the next conductor."""

    DEPARTURE = "departure"
    """At each departure."""
    DAY = "day"
    """Each working day, in the train's zone; a weekend goes on with Friday's."""
    WEEK = "week"
    """Each Monday, in the train's zone."""


class TrainApproval(StrEnum):
    """How the approvals that promotions aboard a train want are given."""

    EACH = "each"
    """On each promotion by itself."""
    BATCH = "batch"
    """By one button on the departure's card, written as one approval per promotion."""


class Ready(StrEnum):
    """Whether the authors aboard say that their changes are ready to leave."""

    ASK = "ask"
    """They are asked; the train leaves without an answer."""
    REQUIRED = "required"
    """The train waits for all of them."""


class OnFailure(StrEnum):
    """What a train does when one of its promotions fails."""

    HOLD = "hold"
    """It stops where it is, and its conductor decides."""
    ROLLBACK = "rollback"
    """What it has brought is rolled back."""
    CONTINUE = "continue"
    """The others go on."""


@dataclass(frozen=True, kw_only=True)
class Team:
    """Who looks after services. Groups are Slack's (``@name``); a team that names no members is everybody."""

    name: str
    channel: str
    approvers: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    escalation_policy: str | None = None


@dataclass(frozen=True, kw_only=True)
class Service:
    """What is deployed and alerts. ``known`` is false for one that the catalogue does not name.

    ``environments`` are its pipeline in order, and may be empty. ``channel`` is its team's, or the default one.
    ``promote_webhook`` is what ``webhook`` calls; ``workflow`` the file that ``github-workflow`` dispatches, as
    it stands in ``workflow_ref`` (None: the main branch).
    """

    name: str
    channel: str
    known: bool = True
    team: Team | None = None
    repo: str | None = None
    paths: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    promote_through: PromoteThrough | None = None
    promote_webhook: str | None = None
    workflow: str = "deploy.yml"
    workflow_ref: str | None = None
    gates: tuple[Gate, ...] = DEFAULT_GATES
    supersede: Supersede = Supersede.NEVER
    undo: timedelta = timedelta(seconds=10)
    compare_url: str | None = None
    runbook: str | None = None
    alerts: Mapping[str, str] = field(default_factory=dict, hash=False)
    pagerduty_service: str | None = None
    paging: PagingMode = PagingMode.SHADOW
    depends_on: tuple[str, ...] = ()

    def is_final(self, environment: str, claimed: bool | None = None) -> bool:
        """Whether this environment is where customers are: the last of its pipeline.

        Where no pipeline is configured, the sender's claim or the environment's name says so. A claim that it is not
        counts for nothing: GitHub makes it of every environment that is not called exactly ``production``.
        """
        if self.environments:
            return environment.casefold() == self.environments[-1].casefold()
        return bool(claimed) or environment.casefold() in _FINAL_NAMES

    def owns(self, paths: Sequence[str] | None) -> bool:
        """Whether a change to these paths is a change to this service; unknown paths (None) count as its own."""
        if not self.paths or paths is None:
            return True
        return any(pattern.fullmatch(path) for pattern in self._patterns for path in paths)

    def configured(self, environment: str) -> str | None:
        """The environment in its configured spelling, or None where the pipeline has none of that name."""
        for known in self.environments:
            if known.casefold() == environment.casefold():
                return known
        return None

    @cached_property
    def _patterns(self) -> tuple[re.Pattern[str], ...]:
        return tuple(glob_pattern(path) for path in self.paths)


@dataclass(frozen=True, kw_only=True)
class PersonEntry:
    """Somebody in the catalogue, by the names other systems know them by; at least one of them is set."""

    slack: str | None = None
    github: str | None = None
    email: str | None = None
    pagerduty: str | None = None
    name: str | None = None


@dataclass(frozen=True, kw_only=True)
class Conductors:
    """Who conducts a train: member ids in turn, one Slack group (``@name``), or one PagerDuty schedule.

    ``backup`` is the member who may do all that the conductor may.
    """

    rota: tuple[str, ...]
    turns: Turns = Turns.DEPARTURE
    backup: str | None = None


@dataclass(frozen=True, kw_only=True)
class Train:
    """A timetable of promotions of ``services`` to the environment ``to``.

    ``departs`` are cron expressions and recurrence rules over local times of ``zone`` (``bot.timetable.departures``).
    ``channel`` None stands for that of the first service's team, ``conductors`` None for that team's approvers, and
    no ``capacity`` means no limit. ``stages`` name every service exactly once and are never empty. Boarding closes
    ``boarding_closes`` before a departure; one that nobody could see to leaves up to ``late_by`` late, and one that
    could not leave is cancelled ``decide_within`` after its time.
    """

    name: str
    services: tuple[str, ...]
    to: str
    departs: tuple[str, ...]
    zone: ZoneInfo
    stages: tuple[tuple[str, ...], ...]
    channel: str | None = None
    boarding_closes: timedelta = timedelta()
    capacity: int | None = None
    conductors: Conductors | None = None
    approval: TrainApproval = TrainApproval.EACH
    ready: Ready | None = None
    on_failure: OnFailure = OnFailure.HOLD
    late_by: timedelta = timedelta(minutes=30)
    decide_within: timedelta = timedelta(minutes=30)


@dataclass(frozen=True, kw_only=True)
class Freeze:
    """A window, in aware UTC, within which nothing is promoted; ``services`` None means all of them."""

    begins: datetime
    ends: datetime
    services: tuple[str, ...] | None
    reason: str


@dataclass(frozen=True, kw_only=True)
class Paging:
    """When a rollout is asked about an alert, and how long a page goes unanswered before it escalates.

    An alert less grave than ``opens_at`` is told and opens no incident; one whose sender does not say how grave it is
    counts as an error.
    """

    window: timedelta = timedelta(hours=1)
    no_answer_after: timedelta = timedelta(minutes=5)
    outside_hours: OutsideHours = OutsideHours.ON_CALL
    opens_at: AlertLevel = AlertLevel.ERROR


@dataclass(frozen=True, kw_only=True)
class Incidents:
    """How incidents are kept: where their rooms are told of besides their team's channel, and what comes when.

    ``update_every`` None: as the severity says. A room is archived ``archive_after`` the end; an alert that fires again
    within ``reopens_within`` of it opens the same incident again. ``issues_in`` is the repository of follow-ups;
    without it, the service's own.
    """

    channel: str | None = None
    private: bool = False
    update_every: timedelta | None = None
    archive_after: timedelta = timedelta(days=7)
    reopens_within: timedelta = timedelta(minutes=30)
    issues_in: str | None = None


@dataclass(frozen=True, kw_only=True)
class Audience:
    """People who hear what reached customers, in their channel, at ``every`` (cron, in the catalogue's zone).

    No labels or no services means that these do not narrow what they hear.
    """

    name: str
    channel: str
    every: str
    labels: tuple[str, ...] = ()
    services: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """All of shipmate.yml. ``unknown`` is the policy of a service that it does not name."""

    default_channel: str
    unknown: Service
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    teams: Mapping[str, Team] = field(default_factory=dict, hash=False)
    services: Mapping[str, Service] = field(default_factory=dict, hash=False)
    people: tuple[PersonEntry, ...] = ()
    trains: Mapping[str, Train] = field(default_factory=dict, hash=False)
    freezes: tuple[Freeze, ...] = ()
    paging: Paging = field(default_factory=Paging)
    incidents: Incidents = field(default_factory=Incidents)
    audiences: Mapping[str, Audience] = field(default_factory=dict, hash=False)
    insecure_sources: frozenset[str] = frozenset()
    proves_logins: bool = True
    """Whether people can have GitHub say who they are, which takes a GitHub App; nothing in shipmate.yml says so."""
    pages: bool = True
    """Whether PagerDuty can be asked to wake people, which takes a key and an address; likewise."""
    tells_changes: bool = False
    """Whether PagerDuty is told of production deploys, which takes a routing key; likewise."""

    def service(self, name: str) -> Service:
        """The service of this name; one that is not in the catalogue has the default policy."""
        return self._by_name.get(name.casefold()) or replace(self.unknown, name=name)

    def services_of(self, repo: str) -> tuple[Service, ...]:
        """The services in the catalogue that are built from this repository, in the catalogue's order."""
        return self._by_repo.get(repo.casefold(), ())

    def resolve_service(self, repo: str | None, hint: str | None, environment: str) -> tuple[Service, str]:
        """Which service and environment a report is about.

        The sender's hint wins; then the only service of the repository; then the one that the environment names
        (``checkout/production``, ``production/checkout``, ``checkout-production``, ``production (checkout)``), or
        that alone has such an environment; then a service called as the repository is.
        """
        environment = environment.strip()
        candidates = self.services_of(repo) if repo else ()
        if hint and hint.strip():
            service = self.service(hint.strip())
        elif len(candidates) == 1:
            service = candidates[0]
        else:
            named = _named_by(environment, candidates)
            if named:
                return named
            service = self._called_as(repo or "unknown")
        return service, _configured_reading(service, environment) or environment

    def train_of(self, service: str, environment: str) -> Train | None:
        """The train that carries this service to this environment; None where it needs none."""
        return self._by_destination.get((service.casefold(), environment.casefold()))

    def person_by_github(self, login: str) -> PersonEntry | None:
        """The person with this GitHub login."""
        return self._by_github.get(login.casefold())

    def person_by_slack(self, slack_id: str) -> PersonEntry | None:
        """The person with this Slack member id."""
        return self._by_slack.get(slack_id)

    def person_by_email(self, email: str) -> PersonEntry | None:
        """The person with this address. Only a verified address proves who somebody is."""
        return self._by_email.get(email.casefold())

    def insecure(self, source: str) -> bool:
        """Whether this source's webhooks are taken unsigned, because the catalogue says so."""
        return source in self.insecure_sources

    def _called_as(self, repo: str) -> Service:
        # A fork has the last part of its name from the original: it must not pass for a service of another repository.
        service = self.service(repo.rpartition("/")[2] or repo)
        if service.repo is None or service.repo.casefold() == repo.casefold():
            return service if service.known else replace(service, repo=repo if "/" in repo else None)
        return replace(self.unknown, name=repo, repo=repo)

    @cached_property
    def _by_name(self) -> dict[str, Service]:
        return {name.casefold(): service for name, service in self.services.items()}

    @cached_property
    def _by_repo(self) -> dict[str, tuple[Service, ...]]:
        found: dict[str, tuple[Service, ...]] = {}
        for service in self.services.values():
            if service.repo:
                found[service.repo.casefold()] = (*found.get(service.repo.casefold(), ()), service)
        return found

    @cached_property
    def _by_destination(self) -> dict[tuple[str, str], Train]:
        return {
            (service.casefold(), train.to.casefold()): train
            for train in self.trains.values()
            for service in train.services
        }

    @cached_property
    def _by_github(self) -> dict[str, PersonEntry]:
        return {person.github.casefold(): person for person in self.people if person.github}

    @cached_property
    def _by_slack(self) -> dict[str, PersonEntry]:
        return {person.slack: person for person in self.people if person.slack}

    @cached_property
    def _by_email(self) -> dict[str, PersonEntry]:
        return {person.email.casefold(): person for person in self.people if person.email}


def _readings(environment: str, service: str) -> list[str]:
    """What is left of an environment's name that also names this service, in each of the ways it may."""
    length, spoken = len(service), service.casefold()
    before, joint, after = environment[:length], environment[length : length + 1], environment[length + 1 :]
    left = [after] if before.casefold() == spoken and joint in ("/", "-") else []
    front, slash, name = environment.rpartition("/")
    if slash and name.casefold() == spoken:
        left.append(front)
    front, bracket, name = environment.rpartition("(")
    if bracket and name.casefold() == f"{spoken})":
        left.append(front)
    return [part.strip() for part in left if part.strip()]


def _configured_reading(service: Service, environment: str) -> str | None:
    """The environment of the service's pipeline that this name means, in its spelling; None when it means none."""
    for reading in [environment, *_readings(environment, service.name)]:
        written = service.configured(reading)
        if written:
            return written
    return None


def _named_by(environment: str, candidates: Sequence[Service]) -> tuple[Service, str] | None:
    """The one of several services that an environment's name points to; the longest name wins (`web`, `web-api`)."""
    by_length = sorted(candidates, key=lambda service: len(service.name), reverse=True)
    readings = {service.name: _readings(environment, service.name) for service in by_length}
    for service in by_length:
        written = _configured_reading(service, environment) if readings[service.name] else None
        if written:
            return service, written
    for service in by_length:
        if readings[service.name]:
            return service, readings[service.name][0]
    alone = [service for service in candidates if service.configured(environment)]
    return (alone[0], alone[0].configured(environment) or environment) if len(alone) == 1 else None
