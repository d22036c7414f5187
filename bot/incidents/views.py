"""What templates see of incidents: small frozen records, already chosen and ordered, never escaped."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.deploys.views import ChangeView, LinkView, PersonView
from bot.incidents.plain import was_turned
from bot.incidents.states import EXHAUSTED, PageState, State


@dataclass(frozen=True, kw_only=True)
class AlertLine:
    """One alert of an incident; it fires while ``over_at`` is None. ``times`` counts those of its name, one a place."""

    name: str
    since: datetime
    over_at: datetime | None
    url: str | None
    service: str | None = None
    """Whose it is, where that is another service than the incident's own."""
    summary: str | None = None
    times: int = 1


@dataclass(frozen=True, kw_only=True)
class OpinionView:
    """What one person says of a likely change: that it was it (``right``), or was not."""

    person: PersonView
    right: bool


@dataclass(frozen=True, kw_only=True)
class LikelyView:
    """A change that may have done it: a deploy, or a flag that was turned. The first is ``rank`` 1.

    ``label`` is how it is named in a line: ``#812``, a short commit, a flag's name. ``before`` is how long before the
    onset it took effect (``at``). ``evidence`` and ``against`` are sentences. ``can_roll_back`` is whether the deploy
    is still what its target runs, and something ran there before it: there is something to take out, and to go back to.
    """

    likely_id: int
    rank: int
    kind: str
    label: str
    service: str
    environment: str
    at: datetime
    before: timedelta
    confidence: str
    evidence: tuple[str, ...]
    against: tuple[str, ...]
    changes: tuple[ChangeView, ...] = ()
    more: int = 0
    rollback: bool = False
    """Whether the deploy was itself a rollback."""
    rolling: bool = False
    """Whether it was still on its way at the onset: ``at`` is then when it first had traffic."""
    who: PersonView | None = None
    """Who turned the flag, or rolled back."""
    summary: str | None = None
    """What was done to the flag: “25 % → 50 %”."""
    kept_in: str | None = None
    """Where the flag is kept, as people call it, where that is known."""
    undid: bool = False
    """Whether it took another likely change out: to turn the flag back would bring that in again."""
    sha: str | None = None
    url: str | None = None
    rolled_back_at: datetime | None = None
    can_roll_back: bool = False
    opinions: tuple[OpinionView, ...] = ()

    @property
    def said(self) -> bool | None:
        """What people say of it: that it was it, or was not; None where nobody says anything. One is enough for it."""
        return any(one.right for one in self.opinions) if self.opinions else None

    @property
    def turned(self) -> str:
        """What was done to a flag, as the rest of a sentence: ``was turned off``."""
        return was_turned(self.summary)


@dataclass(frozen=True, kw_only=True)
class PageLine:
    """Somebody who was woken, or (``shadow``) would have been; ``role`` and ``way`` are words of ``waking``.

    ``then`` says what is done, and who is woken, where nobody answers by ``next_at``.
    """

    page_id: int
    person: PersonView
    role: str
    way: str
    state: PageState
    reason: str
    asked_at: datetime
    answered_at: datetime | None = None
    next_at: datetime | None = None
    then: str | None = None
    sure: bool = True
    """Whether they are told by the pager too; False where PagerDuty is not set up for them."""
    late: bool = False
    """Whether their call should have left by now, and has not: the pager cannot be reached."""
    told: tuple[PersonView, ...] = ()
    """Who is told in Slack meanwhile."""

    @property
    def nobody(self) -> bool:
        """Whether nobody could be told: the pager cannot, and nobody is known in Slack."""
        return self.way == "message" and self.person.slack_id is None


@dataclass(frozen=True, kw_only=True)
class BeforeLine:
    """Something that changed before the onset: ``kind`` is ``deploy``, ``rollback``, ``failed`` or ``flag``."""

    kind: str
    at: datetime
    service: str
    environment: str | None
    label: str
    changes: int = 0
    who: PersonView | None = None
    url: str | None = None


@dataclass(frozen=True, kw_only=True)
class UpdateView:
    """How an incident stood, as somebody said."""

    condition: str
    actions: str | None
    needs: str | None
    by: PersonView
    at: datetime
    next_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class TaskView:
    """Something to be done about an incident."""

    task_id: int
    text: str
    owner: PersonView | None
    done: bool
    issue_url: str | None
    asked_by: PersonView | None = None
    """Who wrote it down, where that is somebody else than whoever is to do it."""


@dataclass(frozen=True, kw_only=True)
class ServiceLine:
    """A service that an incident is about; ``locked`` where its deploys wait for the incident's end.

    ``watched`` where they do not, since it wakes nobody by the catalogue and only joined.
    """

    service: str
    environment: str
    locked: bool
    watched: bool = False


@dataclass(frozen=True, kw_only=True)
class RolesView:
    """Who does what; None where nobody does yet."""

    lead: PersonView | None = None
    communications: PersonView | None = None
    scribe: PersonView | None = None


@dataclass(frozen=True, kw_only=True)
class IncidentCard:
    """An incident as its channels and its room see it. What is listed is the first of it; ``more_…`` counts the rest.

    ``incident_id`` goes into the buttons. ``wakes_next`` says in words whom “Not mine” wakes, None where nobody is left
    to wake. ``likely`` are the changes that may have done it, the first one first; ``confidence`` is the first one's.
    """

    incident_id: int
    title: str
    service: str | None
    environment: str | None
    severity: int
    severity_words: str
    """What that severity means."""
    state: State
    watched: bool
    storm: bool
    opened_at: datetime
    onset_at: datetime
    opened_by: PersonView | None
    """None where an alert opened it."""
    quiet_at: datetime | None
    mitigated_at: datetime | None
    resolved_at: datetime | None
    resolved_by: PersonView | None
    resolution: str | None
    recovered_in: timedelta | None
    """How long it took until the harm ended: the likely change was out, or nothing fired any more."""
    cause: LikelyView | None
    """Which change it was, as said when it was resolved."""
    cause_known: bool
    """Whether somebody said which it was; also that it was none of them."""
    merged_into: int | None
    goes_on_in: str | None
    """The room of the one that it goes on as."""
    services: tuple[ServiceLine, ...]
    more_services: int
    alerts: tuple[AlertLine, ...]
    more_alerts: int
    firing: int
    """How many of all its alerts fire."""
    confidence: str
    likely: tuple[LikelyView, ...]
    window: timedelta
    """How far back from the onset was looked."""
    pages: tuple[PageLine, ...]
    more_pages: int
    wakes_next: str | None
    wakes_on_call: str | None
    """Who is on call and was not woken yet, in words; None where nobody is left."""
    pager: bool
    """Whether PagerDuty is there to wake people of this service."""
    roles: RolesView
    update: UpdateView | None
    next_update_at: datetime | None
    tasks: tuple[TaskView, ...]
    more_tasks: int
    before: tuple[BeforeLine, ...]
    more_before: int
    room: str | None
    room_name: str | None
    room_trouble: str | None
    in_room: bool
    """Whether this copy of the card stands in the room itself."""
    links: tuple[LinkView, ...]
    document: str | None
    recovered_by_undoing: bool = False
    """Whether the harm is counted as ended when a likely change was out, though something fired on for a while."""
    word_is_due: bool = False
    """Whether the time of the next update has passed, and somebody was reminded of it."""
    joined: tuple[int, ...] = ()
    """Incidents that were the same, and go on as this one."""
    zone: str | None = None
    """The catalogue's time zone, in which instants are told where Slack does not show the reader's own clock."""

    @property
    def promised(self) -> bool:
        """Whether somebody said by when the next word comes: else its severity calls for one by then."""
        said = self.update.next_at if self.update is not None else None
        return said is not None and said == self.next_update_at

    @property
    def locked(self) -> tuple[ServiceLine, ...]:
        """Those of its services that are locked."""
        return tuple(one for one in self.services if one.locked)

    @property
    def only_watched(self) -> tuple[ServiceLine, ...]:
        """Those that are not locked since they are only watched."""
        return tuple(one for one in self.services if one.watched)

    @property
    def first(self) -> LikelyView | None:
        """The likely change, where there is one."""
        return self.likely[0] if self.likely else None

    @property
    def is_open(self) -> bool:
        """Whether it goes on."""
        return self.state is State.OPEN

    @property
    def next_mark(self) -> str:
        """What a “Not mine” carries behind its likely change (``7:3:<mark>``): a stale one wakes nobody else."""
        return hashlib.sha256((self.wakes_next or "nobody else").encode(errors="replace")).hexdigest()[:8]

    @property
    def nobody_woken(self) -> bool:
        """Whether a person opened it, and nobody was woken for it so far: that is said with the button that does."""
        woken = any(one.state is not PageState.SHADOW for one in self.pages)
        return self.is_open and not self.watched and self.opened_by is not None and not self.alerts and not woken

    @property
    def exhausted(self) -> bool:
        """Whether an escalation policy has called everybody whom it names."""
        return any(one.state is PageState.FAILED and one.reason == EXHAUSTED for one in self.pages)

    @property
    def answered(self) -> tuple[PageLine, ...]:
        """Those who said that they are on it."""
        return tuple(one for one in self.pages if one.state is PageState.ANSWERED)


@dataclass(frozen=True, kw_only=True)
class IncidentNote:
    """What is said aloud of an incident. ``said`` is a ``bot.incidents.telling.Said``, which names what else is set."""

    said: str
    card: IncidentCard
    who: PersonView | None = None
    called: str | None = None
    page: PageLine | None = None
    pages: tuple[PageLine, ...] = ()
    likely: LikelyView | None = None
    alert: AlertLine | None = None
    times: int = 0
    lately: timedelta = timedelta()
    """How far back it is counted how often something has fired again."""
    calm: timedelta = timedelta()
    """How long nothing must fire before what comes and goes is said to be quiet."""
    next: str | None = None
    why: str | None = None
    what: str | None = None
    """What could not be done: a kind of effect."""
    role: str | None = None
    severity: int | None = None
    update: UpdateView | None = None
    task: TaskView | None = None
    sha: str | None = None
    """The commit that runs again, of a rollback."""
    into: int | None = None
    from_: int | None = None
    other_room: str | None = None
    """Where the other one of two that are the same is led, or was."""
    at: datetime | None = None
    still_locked: tuple[str, ...] = ()
    """What holds on where it was resolved, each in a sentence: ``checkout stays locked by Ana: …``."""
    lifted: tuple[str, ...] = ()
    """The services whose locks its end lifted."""


@dataclass(frozen=True, kw_only=True)
class PersonNote:
    """What one person is told: that they are woken, or asked. ``said`` is a ``bot.incidents.telling.PersonSaid``.

    ``page`` and ``likely`` are on whose account; ``nag`` counts how often they were told before.
    """

    said: str
    card: IncidentCard
    page: PageLine | None
    likely: LikelyView | None
    why: str | None
    nag: int
    written: bool
    """Whether the likely change is theirs: they wrote some of it, or rolled back."""
    instead: bool = False
    """Whether they are told since somebody else could not be called, whose page it is."""
    again: bool = False
    """Whether it is a message besides their card, to be heard: it is never edited, so it says little."""

    @property
    def others_on_it(self) -> tuple[PersonView, ...]:
        """Who else said that they are on it."""
        return tuple(one.person for one in self.card.answered if self.page is None or one.page_id != self.page.page_id)

    @property
    def woken_now(self) -> tuple[PersonView, ...]:
        """Who else was woken, and has not answered yet."""
        return tuple(
            one.person
            for one in self.card.pages
            if one.state in (PageState.WANTED, PageState.SENT)
            and one.way != "respond"
            and (self.page is None or (one.page_id != self.page.page_id and one.person != self.page.person))
        )

    @property
    def silent(self) -> tuple[PersonView, ...]:
        """Who else was called for it and did not answer."""
        own = self.page.person if self.page is not None else None
        found = (one.person for one in self.card.pages if one.state is PageState.UNANSWERED and one.person != own)
        return tuple(dict.fromkeys(found))

    @property
    def last(self) -> bool:
        """Whether nobody is left who could be called after them: their policy has called everybody."""
        return self.page is not None and self.page.state is PageState.SENT and self.card.exhausted


@dataclass(frozen=True, kw_only=True)
class IncidentLine:
    """An incident in one line, for lists."""

    incident_id: int
    title: str
    service: str | None
    severity: int
    state: State
    watched: bool
    opened_at: datetime
    resolved_at: datetime | None
    firing: int
    lead: PersonView | None
    on_it: tuple[PersonView, ...]
    likely: LikelyView | None
    room: str | None
    alerts: tuple[str, ...] = ()
    """What its first alerts are called that fire."""
    by_hand: bool = False
    """Whether somebody opened it and no alert ever came to it: nothing but people tell whether it goes on."""
    called: tuple[PageLine, ...] = ()
    """Who was woken and has not answered, where nobody has, whoever leads; those first whose phones still ring."""
