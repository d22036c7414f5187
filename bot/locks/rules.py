"""The rules of locks and freezes: what a scope covers, what people type for it, where a lock stands, when to nag.

Pure. Names of services, teams and environments are compared without regard to case and answered as they are spelt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from bot.errors import UserError
from bot.spelling import did_you_mean

DEFAULT_LENGTH = timedelta(hours=4)
"""How long a lock holds where nobody says, and how much Extend adds."""

LONGEST_LOCK = timedelta(days=30)
"""A brake that must hold longer is a freeze, which stands in the calendar."""

LONGEST_FREEZE = timedelta(days=60)

LONGEST_REASON = 500
"""Characters of a reason: everybody who waits reads it."""

NAG_BEFORE = timedelta(minutes=15)
"""How long before its end the owner of a lock is asked."""

NAG_EVERY = timedelta(hours=3)
"""How often a lock without an end is brought to mind."""


class ScopeKind(StrEnum):
    """How wide a lock is."""

    EVERYTHING = "everything"
    ENVIRONMENT = "environment"
    """One environment of every service."""
    TEAM = "team"
    SERVICE = "service"
    TARGET = "target"
    """One service in one environment: ``checkout/production``."""
    PROMOTION = "promotion"
    """One promotion: somebody's Hold."""


@dataclass(frozen=True)
class Scope:
    """What a lock covers. ``name`` is empty for everything, ``service/environment`` for a target."""

    kind: ScopeKind
    name: str = ""

    @property
    def service(self) -> str | None:
        """The one service that it is about, where it is about one."""
        if self.kind is ScopeKind.SERVICE:
            return self.name
        return self.name.rpartition("/")[0] if self.kind is ScopeKind.TARGET else None

    @property
    def environment(self) -> str | None:
        """The one environment that it is about, where it is about one."""
        if self.kind is ScopeKind.ENVIRONMENT:
            return self.name
        return self.name.rpartition("/")[2] if self.kind is ScopeKind.TARGET else None

    @property
    def called(self) -> str:
        """How people name it."""
        match self.kind:
            case ScopeKind.EVERYTHING:
                return "everything"
            case ScopeKind.ENVIRONMENT:
                return f"{self.name} of every service"
            case ScopeKind.TEAM:
                return f"all of {self.name}"
            case ScopeKind.TARGET:
                return f"{self.service} → {self.environment}"
            case ScopeKind.PROMOTION:
                return "this promotion"
        return self.name

    @property
    def typed(self) -> str:
        """What to type so that nothing else is meant."""
        match self.kind:
            case ScopeKind.EVERYTHING:
                return "everything"
            case ScopeKind.TARGET:
                return self.name
        return f"{self.kind.value}:{self.name}"


@dataclass(frozen=True, kw_only=True)
class Known:
    """The names that exist: of each service its environments, in order, and the teams."""

    pipelines: Mapping[str, Sequence[str]]
    teams: Sequence[str] = ()
    others: Sequence[str] = ()
    """Environments that no service listed here has: of a lock that still stands."""

    @property
    def environments(self) -> Sequence[str]:
        """Every environment, each once."""
        every = [one for pipeline in self.pipelines.values() for one in pipeline]
        return tuple({one.casefold(): one for one in [*self.others, *every]}.values())


EVERYTHING_WORDS = ("everything", "all")

EXPECTED = (
    "a service (checkout), one environment of it (checkout/production), an environment of every service "
    "(environment:production), a team (team:payments) or everything"
)
"""What a scope may be, for refusals."""


def read_scope(word: str, known: Known, *, act: str = "lock") -> Scope:
    """What somebody means by this word; UserError where it names nothing, or more than one thing."""
    word = word.strip()
    if not word:
        raise UserError(f"Say what to {act}: {EXPECTED}.")
    if word.casefold() in EVERYTHING_WORDS:
        return Scope(ScopeKind.EVERYTHING)
    prefix, colon, rest = word.partition(":")
    kinds = {kind.value: kind for kind in (ScopeKind.SERVICE, ScopeKind.ENVIRONMENT, ScopeKind.TEAM)}
    if colon and prefix.casefold() in kinds:
        return _of_kind(kinds[prefix.casefold()], rest.strip(), known)
    found = _meant(word, known)
    if len(found) > 1:
        sorts = _listed([f"{_article(scope.kind.value)} {scope.kind.value}" for scope in found], "and")
        choices = _listed([scope.typed for scope in found], "or")
        raise UserError(f"“{word[:80]}” is {sorts}. Say which you mean: {choices}.")
    if found:
        return found[0]
    target = _target(word, known)
    if target is not None:
        return target
    every = [*known.pipelines, *known.environments, *known.teams]
    hint = did_you_mean(word, every) or f". I can {act} {EXPECTED}."
    raise UserError(f"I know nothing called “{word[:80]}”{hint}")


def _meant(word: str, known: Known) -> list[Scope]:
    named = [
        (ScopeKind.SERVICE, _spelt(word, known.pipelines)),
        (ScopeKind.ENVIRONMENT, _spelt(word, known.environments)),
        (ScopeKind.TEAM, _spelt(word, known.teams)),
    ]
    return [Scope(kind, name) for kind, name in named if name is not None]


def _of_kind(kind: ScopeKind, name: str, known: Known) -> Scope:
    names = {
        ScopeKind.SERVICE: tuple(known.pipelines),
        ScopeKind.ENVIRONMENT: known.environments,
        ScopeKind.TEAM: known.teams,
    }[kind]
    spelt = _spelt(name, names)
    if spelt is not None:
        return Scope(kind, spelt)
    if kind is ScopeKind.SERVICE and (target := _target(name, known)) is not None:
        return target
    known_ones = _listed(sorted(names)[:10], "and")
    hint = did_you_mean(name, names) or (f"; I know {known_ones}." if names else "; I know none yet.")
    raise UserError(f"I know no {kind.value} “{name[:80]}”{hint}")


def _target(word: str, known: Known) -> Scope | None:
    """A service and its environment; UserError where the service is known and the environment is not."""
    service, slash, environment = (part.strip() for part in word.rpartition("/"))
    owner = _spelt(service, known.pipelines) if slash else None
    if owner is None:
        return None
    pipeline = known.pipelines[owner]
    spelt = _spelt(environment, pipeline)
    if spelt is None:
        has = f"; it has {_listed(pipeline, 'and')}." if pipeline else "; none of it is known yet."
        hint = did_you_mean(environment, pipeline) or has
        raise UserError(f"{owner} has no environment “{environment[:80]}”{hint}")
    return Scope(ScopeKind.TARGET, f"{owner}/{spelt}")


def _spelt(word: str, names: Mapping[str, object] | Sequence[str]) -> str | None:
    return next((name for name in names if name.casefold() == word.casefold()), None)


def _article(noun: str) -> str:
    return "an" if noun[0] in "aeiou" else "a"


def _listed(words: Sequence[str], last: str) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}" if words else "nothing"


def covers(
    scope: Scope, service: str, environment: str, *, team: str | None = None, promotion: int | None = None
) -> bool:
    """Whether a lock of this scope concerns that promotion of that service (of that team) to that environment."""
    match scope.kind:
        case ScopeKind.EVERYTHING:
            return True
        case ScopeKind.ENVIRONMENT:
            return scope.name.casefold() == environment.casefold()
        case ScopeKind.TEAM:
            return team is not None and scope.name.casefold() == team.casefold()
        case ScopeKind.SERVICE:
            return scope.name.casefold() == service.casefold()
        case ScopeKind.TARGET:
            return scope.name.casefold() == f"{service}/{environment}".casefold()
    return promotion is not None and scope.name == str(promotion)


# --- where a lock stands --------------------------------------------------------------------------------------------


class Stage(StrEnum):
    """Where a lock stands at an instant."""

    HOLDS = "holds"
    WANTS_GO = "wants_go"
    """It ran out or lifted itself, and nothing ships until a person says Go."""
    OVER = "over"
    """It holds nothing back."""


class Brake(Protocol):
    """What of a lock decides where it stands."""

    @property
    def began_at(self) -> datetime:
        """Since when it holds."""
        ...

    @property
    def ends_at(self) -> datetime | None:
        """When it ends by itself; None for one without an end."""
        ...

    @property
    def nagged_at(self) -> datetime | None:
        """When it was last brought to mind, for its present end."""
        ...

    @property
    def ended_at(self) -> datetime | None:
        """When it was seen to have run out."""
        ...

    @property
    def lifted_at(self) -> datetime | None:
        """When somebody, or its cause, lifted it."""
        ...

    @property
    def closed(self) -> bool:
        """Whether it is over, and no Go is wanted."""
        ...


def stage(lock: Brake, now: datetime) -> Stage:
    """Where it stands. An end that has come counts whether or not the clock has seen it yet."""
    if lock.closed:
        return Stage.OVER
    ran_out = lock.ends_at is not None and lock.ends_at <= now
    return Stage.WANTS_GO if lock.lifted_at is not None or lock.ended_at is not None or ran_out else Stage.HOLDS


class Look(StrEnum):
    """What is to be done when a lock is looked at."""

    NOTHING = "nothing"
    NAG = "nag"
    """Its owner is asked whether it must still hold."""
    END = "end"
    """It ran out."""


def look(lock: Brake, now: datetime) -> Look:
    """What is due now. Whatever was missed meanwhile is not made up for: an end makes the nag before it idle."""
    if lock.closed or lock.lifted_at is not None or lock.ended_at is not None:
        return Look.NOTHING
    if lock.ends_at is not None and lock.ends_at <= now:
        return Look.END
    nag = _nag_at(lock)
    return Look.NAG if nag is not None and nag <= now else Look.NOTHING


def next_look(lock: Brake) -> datetime | None:
    """When to look at it again; None once nothing more comes of it by itself."""
    if lock.closed or lock.lifted_at is not None or lock.ended_at is not None:
        return None
    return min((at for at in (_nag_at(lock), lock.ends_at) if at is not None), default=None)


def _nag_at(lock: Brake) -> datetime | None:
    if lock.ends_at is None:
        return (lock.nagged_at or lock.began_at) + NAG_EVERY
    return lock.ends_at - NAG_BEFORE if lock.nagged_at is None else None


def nagged_from_the_start(ends_at: datetime | None, at: datetime) -> datetime | None:
    """The ``nagged_at`` of a lock whose end is chosen at ``at``: one that ends within minutes need not be nagged."""
    return at if ends_at is not None and ends_at - NAG_BEFORE <= at else None


# --- what people give with it ---------------------------------------------------------------------------------------


def checked_reason(reason: str, *, of: str) -> str:
    """The reason without space around it; UserError where there is none, or too much. ``of`` is "a lock"."""
    words = " ".join(reason.split())
    if not words:
        raise UserError(f"Say why: {of} needs a reason, which everybody who waits will read.")
    if len(words) > LONGEST_REASON:
        raise UserError(f"The reason has {len(words)} characters; {LONGEST_REASON} are the most. Say it shorter.")
    return words


def checked_end(ends_at: datetime | None, at: datetime) -> datetime:
    """The end of a lock chosen at ``at``, the default one where none is given; UserError for one that cannot be."""
    end = at + DEFAULT_LENGTH if ends_at is None else ends_at
    if end <= at:
        raise UserError("That end is in the past. Say an end to come: for 2h, or until friday 09:00.")
    if end - at > LONGEST_LOCK:
        raise UserError(
            f"A lock holds {LONGEST_LOCK.days} days at most, and can be extended. For longer, declare a freeze: "
            "/ship freeze."
        )
    return end


def check_freeze(begins: datetime, ends: datetime, at: datetime) -> None:
    """UserError for a window that cannot be declared at ``at``."""
    if ends <= begins:
        raise UserError("A freeze must end after it begins. Say both: from friday 18:00 until monday 09:00.")
    if ends <= at:
        raise UserError("That freeze would be over already. Say an end to come: until monday 09:00.")
    if ends - begins > LONGEST_FREEZE:
        raise UserError(
            f"A freeze that is declared here lasts {LONGEST_FREEZE.days} days at most. A longer one belongs into "
            "shipmate.yml, under freezes."
        )


@dataclass(frozen=True)
class OnTheirWay:
    """What was on its way where a lock is set now, each as people name it.

    ``called`` it does not stop; of ``doubtful`` nobody knows whether its call arrived; ``held`` was about to start.
    """

    called: Sequence[str] = ()
    doubtful: Sequence[str] = ()
    held: Sequence[str] = ()
    changes: int = 0
    """How many changes wait there, as the lock's card says too."""
    people: int = 0
    """How many people wrote those."""


def on_their_way_words(found: OnTheirWay) -> str:
    """What whoever sets a lock is told of what was on its way there."""
    said = [
        f"Already on its way, and not stopped by this: {'; '.join(found.called)}." if found.called else "",
        f"Perhaps already on its way: {'; '.join(found.doubtful)}. Its pipeline was called and has not answered: "
        "if that did not arrive, this lock holds it."
        if found.doubtful
        else "",
        f"About to start, and held by this now: {'; '.join(found.held)}." if found.held else "",
    ]
    waits = ""
    if found.changes:
        changes = "1 change" if found.changes == 1 else f"{found.changes} changes"
        people = "1 person" if found.people == 1 else f"{found.people} people"
        waits = f"{changes} by {people} {'waits' if found.changes == 1 else 'wait'} because of it."
    return " ".join(filter(None, [*(said if any(said) else ["Nothing was on its way there."]), waits]))
