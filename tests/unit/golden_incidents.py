"""Views of incidents, for the golden files: what each template is shown with."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

from bot.answers.metrics import MetricsReply, ServiceFigures, TeamFigures
from bot.answers.oncall import HelperView, OnCallPerson, OnCallReply
from bot.answers.views import LockLine, PromotionLine
from bot.deploys.views import ChangeView, LinkView, PersonView
from bot.events import IncidentAct
from bot.incidents.loading import severity_rows
from bot.incidents.quieting import CALM, LATELY
from bot.incidents.replies import (
    ActModal,
    IncidentReply,
    IncidentsReply,
    KeepModal,
    OpenModal,
    TimelineLine,
    TimelineReply,
)
from bot.incidents.states import PageState, State
from bot.incidents.telling import PersonSaid, Said
from bot.incidents.views import (
    AlertLine,
    BeforeLine,
    IncidentCard,
    IncidentLine,
    IncidentNote,
    LikelyView,
    OpinionView,
    PageLine,
    PersonNote,
    RolesView,
    ServiceLine,
    TaskView,
    UpdateView,
)
from bot.promotions.views import GateLine

ONSET = datetime(2026, 3, 3, 14, 12, tzinfo=UTC)
RUN = "https://github.example/acme/checkout/actions/runs/991"
GRAFANA = "https://grafana.example/alerting/7"

ANA = PersonView(name="Ana", slack_id="U0ANA")
CHI = PersonView(name="Chi", slack_id="U0CHI")
DEE = PersonView(name="Dee", slack_id="U0DEE")
BEN = PersonView(name="Ben")


def change(number: int, title: str, *authors: PersonView) -> ChangeView:
    """One change."""
    return ChangeView(
        label=f"#{number}",
        title=title,
        url=f"https://github.example/acme/checkout/pull/{number}",
        authors=authors,
        change_id=number,
    )


RETRY = change(812, "Retry payments once after a time-out", ANA)
BUMP = change(815, "Bump the cache", CHI)
FIRST = LikelyView(
    likely_id=31,
    rank=1,
    kind="deploy",
    label="#812",
    service="checkout",
    environment="production",
    at=ONSET - timedelta(minutes=12),
    before=timedelta(minutes=12),
    confidence="high",
    evidence=("went live 12 min before", "errors only on a1b2c3d, none on 9f8e7d6"),
    against=(),
    changes=(RETRY,),
    sha="a1b2c3d4e5f60718293a4b5c6d7e8f9001122334",
    url=RUN,
    can_roll_back=True,
)
SECOND = dataclasses.replace(
    FIRST,
    likely_id=32,
    rank=2,
    label="#815",
    service="ledger",
    confidence="low",
    before=timedelta(minutes=41),
    evidence=("checkout depends on it",),
    against=("the same alert fired before it",),
    changes=(BUMP, change(816, "Log less", BEN)),
    more=2,
    can_roll_back=False,
    opinions=(OpinionView(person=CHI, right=False),),
)
FLAG = LikelyView(
    likely_id=33,
    rank=1,
    kind="flag",
    label="new-basket",
    service="checkout",
    environment="production",
    at=ONSET - timedelta(minutes=2),
    before=timedelta(minutes=2),
    confidence="medium",
    evidence=("was turned 2 min before",),
    against=(),
    who=BEN,
    summary="25 % → 50 %",
    kept_in="LaunchDarkly",
    url="https://app.launchdarkly.example/new-basket",
)
WENT_BACK = dataclasses.replace(FIRST, label="9f8e7d6", rollback=True, who=DEE, changes=())
UNREAD = dataclasses.replace(FIRST, label="a1b2c3d", changes=(), evidence=(), rolling=True)
WOKEN = PageLine(
    page_id=41,
    person=ANA,
    role="author",
    way="assign",
    state=PageState.SENT,
    reason="wrote #812",
    asked_at=ONSET + timedelta(seconds=20),
    next_at=ONSET + timedelta(minutes=5),
    then="Dee (on call) is woken",
)
ASKED = dataclasses.replace(
    WOKEN, page_id=42, person=CHI, role="merger", way="respond", reason="merged #812", next_at=None
)
ALONE = dataclasses.replace(WOKEN, way="message", sure=False, then="this is asked again")
NOBODY = dataclasses.replace(
    ALONE,
    person=PersonView(name="whoever is on call"),
    role="on_call",
    reason="is on call; ask Ana, who wrote #812 and is away: On holiday",
    then="it is said again",
)
STRANGER = dataclasses.replace(ALONE, person=PersonView(name="zoe"), role="merger", reason="merged #812", then=None)
ANSWERED = dataclasses.replace(WOKEN, state=PageState.ANSWERED, answered_at=ONSET + timedelta(minutes=1), next_at=None)
WOULD = dataclasses.replace(WOKEN, state=PageState.SHADOW, way="shadow", next_at=None)
ALERT = AlertLine(
    name="checkout 5xx", since=ONSET, over_at=None, url=GRAFANA, summary="5.2 % of requests fail (limit 1 %)"
)
LEDGER = AlertLine(name="ledger slow", since=ONSET + timedelta(minutes=3), over_at=None, url=None, service="ledger")
OVER = dataclasses.replace(ALERT, over_at=ONSET + timedelta(minutes=20))
BEFORE = (
    BeforeLine(
        kind="deploy", at=ONSET - timedelta(minutes=12), service="checkout", environment="production",
        label="#812 (a1b2c3d)", changes=1, who=ANA, url=RUN,
    ),
    BeforeLine(
        kind="flag", at=ONSET - timedelta(minutes=20), service="checkout", environment=None,
        label="dark-mode turned on", who=BEN,
    ),
    BeforeLine(
        kind="rollback", at=ONSET - timedelta(minutes=50), service="ledger", environment="production", label="0c0ffee"
    ),
    BeforeLine(
        kind="failed", at=ONSET - timedelta(minutes=55), service="ledger", environment="production",
        label="#71 (beefbee)", changes=3, url=RUN,
    ),
)  # fmt: skip
LINKS = (
    LinkView(name="Alert", url=GRAFANA),
    LinkView(name="Runbook", url="https://runbooks.example/checkout"),
    LinkView(name="Old vs new", url="https://grafana.example/d/canary?var-old=9f8e7d6&var-new=a1b2c3d"),
    LinkView(name="PagerDuty", url="https://acme.pagerduty.example/incidents/Q1"),
)
SAID = UpdateView(
    condition="About one in twenty payments fails; people can try again.",
    actions="Rolling back to 9f8e7d6",
    needs="Somebody who knows the payment gateway",
    by=ANA,
    at=ONSET + timedelta(minutes=6),
    next_at=ONSET + timedelta(minutes=36),
)
TASK = TaskView(
    task_id=51, text="Alert on the retry queue's length", owner=CHI, done=False, issue_url=None, asked_by=ANA
)
DONE = dataclasses.replace(
    TASK,
    task_id=52,
    text="Tell support",
    owner=None,
    done=True,
    issue_url="https://github.example/acme/checkout/issues/9",
)
OPEN = IncidentCard(
    incident_id=7,
    title="checkout 5xx",
    service="checkout",
    environment="production",
    severity=3,
    severity_words="Some customers notice, or soon will.",
    state=State.OPEN,
    watched=False,
    storm=False,
    opened_at=ONSET + timedelta(seconds=10),
    onset_at=ONSET,
    opened_by=None,
    quiet_at=None,
    mitigated_at=None,
    resolved_at=None,
    resolved_by=None,
    resolution=None,
    recovered_in=None,
    cause=None,
    cause_known=False,
    merged_into=None,
    goes_on_in=None,
    services=(ServiceLine(service="checkout", environment="production", locked=True),),
    more_services=0,
    alerts=(ALERT,),
    more_alerts=0,
    firing=1,
    confidence="high",
    likely=(FIRST, SECOND),
    window=timedelta(hours=1),
    pages=(WOKEN, ASKED),
    more_pages=0,
    wakes_next="Dee (on call)",
    wakes_on_call="Dee",
    pager=True,
    roles=RolesView(),
    update=None,
    next_update_at=None,
    tasks=(),
    more_tasks=0,
    before=BEFORE,
    more_before=0,
    room="C0INC0007",
    room_name="inc-2026-03-03-checkout-5xx",
    room_trouble=None,
    in_room=False,
    links=LINKS,
    document=None,
)
ON_IT = dataclasses.replace(
    OPEN,
    pages=(ANSWERED, ASKED),
    roles=RolesView(lead=ANA, communications=CHI, scribe=BEN),
    update=SAID,
    next_update_at=SAID.next_at,
    tasks=(TASK, DONE),
    in_room=True,
)
WATCHED = dataclasses.replace(
    OPEN,
    watched=True,
    services=(ServiceLine(service="checkout", environment="production", locked=False),),
    pages=(WOULD,),
    room=None,
    room_name=None,
    wakes_next=None,
    wakes_on_call=None,
)
NO_LIKELY = dataclasses.replace(
    OPEN,
    likely=(),
    confidence="none",
    pages=(
        dataclasses.replace(
            WOKEN,
            person=DEE,
            role="on_call",
            way="policy",
            reason="is on call for checkout",
            then="it goes on to the escalation policy of payments",
        ),
    ),
    wakes_next="the escalation policy of payments",
    wakes_on_call=None,
    before=(),
)
TYPED = dataclasses.replace(
    NO_LIKELY,
    title="Nobody can log in",
    service=None,
    environment=None,
    opened_by=CHI,
    alerts=(),
    firing=0,
    services=(),
    pages=(),
    wakes_next=None,
    wakes_on_call=None,
    severity=1,
    severity_words="Customers cannot use us, or data is at risk.",
    links=(),
)
OUT = dataclasses.replace(
    ON_IT,
    likely=(dataclasses.replace(FIRST, rolled_back_at=ONSET + timedelta(minutes=9), can_roll_back=False),),
    mitigated_at=ONSET + timedelta(minutes=9),
)
QUIET = dataclasses.replace(OUT, alerts=(OVER,), firing=0, quiet_at=ONSET + timedelta(minutes=20))
RESOLVED = dataclasses.replace(
    QUIET,
    state=State.RESOLVED,
    resolved_at=ONSET + timedelta(minutes=40),
    resolved_by=ANA,
    resolution="Rolled back to 9f8e7d6",
    recovered_in=timedelta(minutes=9),
    recovered_by_undoing=True,
    cause=OUT.likely[0],
    cause_known=True,
    services=(ServiceLine(service="checkout", environment="production", locked=False),),
    wakes_next=None,
    wakes_on_call=None,
    document="https://acme.slack.example/docs/T1/F7",
    joined=(8, 9),
)
MANY = dataclasses.replace(
    OPEN,
    storm=True,
    title="Many services at once",
    likely=(FIRST,),
    services=tuple(
        ServiceLine(service=f"service-{number:02}", environment="production", locked=True) for number in range(10)
    ),
    more_services=30,
    alerts=tuple(
        dataclasses.replace(ALERT, name=f"alert {number}", service=f"service-{number}") for number in range(50)
    ),
    more_alerts=4950,
    firing=4990,
    before=BEFORE * 10,
    more_before=12,
)
CARDS = {
    "somebody was woken": OPEN,
    "somebody is on it, in the room": ON_IT,
    "only watched": WATCHED,
    "only watched, nothing likely": dataclasses.replace(WATCHED, likely=(), confidence="none", pages=()),
    "no likely change": NO_LIKELY,
    "a flag": dataclasses.replace(OPEN, likely=(FLAG,), confidence="medium"),
    "after a rollback": dataclasses.replace(OPEN, likely=(WENT_BACK,)),
    "its changes are not read yet": dataclasses.replace(OPEN, likely=(UNREAD,), room=None),
    "without PagerDuty": dataclasses.replace(OPEN, pager=False, pages=(ALONE,)),
    "without anybody who could be told": dataclasses.replace(OPEN, pager=False, pages=(NOBODY,)),
    "without PagerDuty, one not known in Slack": dataclasses.replace(OPEN, pager=False, pages=(ALONE, STRANGER)),
    "opened by a person, of no service": TYPED,
    "no room can be made": dataclasses.replace(
        OPEN, room=None, room_trouble="restricted_action: The app may not make channels: ask an admin."
    ),
    "over, and there never was a room": dataclasses.replace(
        RESOLVED, room=None, room_trouble="restricted_action", document=None, joined=()
    ),
    "the next word is due": dataclasses.replace(ON_IT, word_is_due=True),
    "the likely change is out": OUT,
    "quiet": QUIET,
    "several were woken in vain": dataclasses.replace(
        OPEN,
        pages=(
            dataclasses.replace(WOKEN, state=PageState.PASSED_ON, next_at=None),
            dataclasses.replace(ASKED, state=PageState.FAILED),
            dataclasses.replace(ASKED, person=BEN, state=PageState.OVER),
            dataclasses.replace(ASKED, person=DEE, state=PageState.WANTED, role="on_call"),
        ),
    ),
    "resolved": RESOLVED,
    "resolved, none of them": dataclasses.replace(
        RESOLVED, cause=None, resolution=None, recovered_by_undoing=False, joined=()
    ),
    "it was this, says somebody": dataclasses.replace(
        OPEN, likely=(dataclasses.replace(FIRST, opinions=(OpinionView(person=ANA, right=True),)), SECOND)
    ),
    "merged": dataclasses.replace(RESOLVED, state=State.MERGED, merged_into=5, goes_on_in="C0INC0005", joined=()),
    "many services at once": MANY,
}
LINE = IncidentLine(
    incident_id=7,
    title="checkout 5xx",
    service="checkout",
    severity=3,
    state=State.OPEN,
    watched=False,
    opened_at=ONSET,
    resolved_at=None,
    firing=2,
    lead=None,
    on_it=(ANA,),
    likely=FIRST,
    room="C0INC0007",
)
QUIET_LINE = dataclasses.replace(
    LINE, incident_id=8, title="5xx", service="cart", firing=0, on_it=(), lead=CHI, likely=None
)
NOBODY_LINE = dataclasses.replace(LINE, incident_id=9, on_it=(), room=None, likely=FLAG)
SHADOW_LINE = dataclasses.replace(NOBODY_LINE, incident_id=10, watched=True)
ENDED_LINE = dataclasses.replace(
    LINE, incident_id=3, state=State.RESOLVED, resolved_at=ONSET - timedelta(hours=3), firing=0, on_it=(), room=None
)
MERGED_LINE = dataclasses.replace(ENDED_LINE, incident_id=4, state=State.MERGED)


def note(said: Said, card: IncidentCard = OPEN, **more: object) -> IncidentNote:
    """Something said aloud."""
    return IncidentNote(said=said.value, card=card, **more)  # type: ignore[arg-type]


NOTES: dict[str, object] = {
    "would wake": note(Said.WOULD_WAKE, WATCHED, pages=(WOULD,)),
    "would wake nobody": note(Said.WOULD_WAKE, dataclasses.replace(WATCHED, pages=()), pages=()),
    "paged": note(Said.PAGED, page=WOKEN),
    "paged, and another one asked to come": note(Said.PAGED, page=WOKEN, pages=(ASKED,)),
    "asked to come": note(Said.PAGED, page=ASKED),
    "told in Slack": note(Said.PAGED, page=ALONE),
    "nobody is known to be on call": note(Said.PAGED, page=NOBODY),
    "not known in Slack": note(Said.PAGED, page=STRANGER),
    "answered": note(Said.ANSWERED, ON_IT, page=ANSWERED),
    "answered by somebody else": note(Said.ANSWERED, ON_IT, who=DEE),
    "no answer": note(Said.NO_ANSWER, page=WOKEN, next="Dee (on call) is woken"),
    "declined at the pager": note(Said.DECLINED, page=WOKEN, next="Dee (on call) is woken"),
    "not mine": note(Said.NOT_MINE, who=ANA, likely=FIRST, next="Dee (on call) is woken"),
    "could not be paged": note(
        Said.PAGE_FAILED, page=WOKEN, why="PagerDuty knows no user PUSR1", next="Dee (on call) is woken"
    ),
    "another likely change": note(Said.LIKELY, likely=FLAG),
    "another alert": note(Said.ALERTS, alert=LEDGER),
    "quiet": note(Said.QUIET, QUIET),
    "quiet, and over since": note(Said.QUIET, RESOLVED),
    "fires again": note(Said.FIRES_AGAIN, alert=ALERT),
    "comes and goes": note(Said.FLAPS, alert=ALERT, times=3, lately=LATELY, calm=CALM),
    "is somebody else's": note(Said.LEFT, alert=LEDGER, why="cart's"),
    "rolled back": note(
        Said.ROLLED_BACK, OUT, likely=FIRST, called="Ana", sha="9f8e7d6c5b4a39281706f5e4d3c2b1a099887766"
    ),
    "a role": note(Said.ROLE, who=CHI, role="communications", called="Ana"),
    "leads": note(Said.ROLE, who=CHI, role="lead"),
    "a severity": note(Said.SEVERITY, severity=2, called="Ana"),
    "an update": note(Said.UPDATE, ON_IT, update=SAID),
    "a short update": note(
        Said.UPDATE, ON_IT, update=dataclasses.replace(SAID, actions=None, needs=None, next_at=None)
    ),
    "an update is due": note(Said.UPDATE_DUE, ON_IT, at=SAID.next_at),
    "an update is due, and nobody is on it": note(Said.UPDATE_DUE, OPEN, at=SAID.next_at),
    "an update was due, and it is over since": note(Said.UPDATE_DUE, RESOLVED, at=SAID.next_at),
    "a task": note(Said.TASK, task=TASK),
    "a task is done": note(Said.TASK, task=DONE),
    "goes on as another": note(Said.MERGED, into=5, other_room="C0INC0005"),
    "another joined": note(Said.MERGED, from_=9, other_room="C0INC0009"),
    "another joined, which had no room": note(Said.MERGED, from_=9),
    "resolved": note(Said.RESOLVED, RESOLVED),
    "resolved, which two locks waited for": note(Said.RESOLVED, RESOLVED, lifted=("checkout", "ledger")),
    "resolved, and fires all the same": note(
        Said.RESOLVED, dataclasses.replace(RESOLVED, firing=2, resolution=None, services=OPEN.services)
    ),
    "resolved, and others lock it": note(
        Said.RESOLVED,
        dataclasses.replace(RESOLVED, services=OPEN.services),
        still_locked=(
            "checkout → production stays locked: rolled back: payments fail",
            "checkout stays locked by Dee: x",
        ),
    ),
    "reopened": note(Said.REOPENED, called="Ana"),
    "reopened by an alert": note(Said.REOPENED, alert=ALERT),
    "the draft": note(Said.DOCUMENT, RESOLVED, times=1),
    "another draft": note(Said.DOCUMENT, RESOLVED, times=2),
    "no draft": note(Said.NO_DOCUMENT, RESOLVED, why="missing_scope: Give the app canvases:read"),
    "no room to lay the draft into": note(Said.NO_DOCUMENT, dataclasses.replace(RESOLVED, room=None)),
    "the card is not pinned": note(
        Said.UNDONE, what="room_pin", why="missing_scope: Give the app the bot scope pins:write"
    ),
    "some are not let in": note(Said.NOT_LET_IN, ON_IT, called="Chi and Dee", why="an app may not invite guests"),
    "nobody is let in": note(Said.NOT_LET_IN, called="Chi", why="missing_scope: Give the app channels:manage"),
    "no issue": note(Said.TASK, task=TASK, why="I may not open issues in acme/checkout"),
    "no room": note(Said.NO_ROOM, dataclasses.replace(OPEN, room=None), why="restricted_action"),
}
CALLED = dataclasses.replace(
    WOKEN, page_id=44, person=DEE, role="on_call", way="policy", reason="is on call", next_at=None, then=None
)
SILENT = dataclasses.replace(WOKEN, state=PageState.UNANSWERED, next_at=None, then=None)
EXHAUSTED_POLICY = dataclasses.replace(
    CALLED, page_id=45, state=PageState.FAILED, reason="has nobody else to call",
    person=PersonView(name="the escalation policy of payments"),
)  # fmt: skip
LATE = dataclasses.replace(
    CALLED, state=PageState.WANTED, late=True, told=(ANA,), next_at=ONSET + timedelta(minutes=5),
    then="this is asked again",
)  # fmt: skip
LEFT_ALONE = dataclasses.replace(OPEN, pages=(SILENT, CALLED, EXHAUSTED_POLICY))
CARDS |= {
    "nobody answers, and nobody else is left": LEFT_ALONE,
    "a call does not leave": dataclasses.replace(OPEN, pages=(LATE,)),
}
NOTES |= {
    "called again by the policy": note(Said.CALLED_AGAIN, page=CALLED),
    "the policy has nobody else": note(
        Said.EXHAUSTED, page=EXHAUSTED_POLICY, called=EXHAUSTED_POLICY.person.name,
        why="PagerDuty goes on calling Dee", next="nobody else can be woken",
    ),
}  # fmt: skip
PERSON = PersonNote(said=PersonSaid.PAGE.value, card=OPEN, page=WOKEN, likely=FIRST, why=None, nag=0, written=True)
PAGES: dict[str, object] = {
    "you wrote it": PERSON,
    "you merged it": dataclasses.replace(PERSON, page=ASKED, written=False),
    "you are on call, and nothing is likely": dataclasses.replace(
        PERSON, card=NO_LIKELY, page=NO_LIKELY.pages[0], likely=None, written=False,
        why="Ask Ana, who is away: she wrote #812.",
    ),
    "you are on call, and its author says that it was not it": dataclasses.replace(
        PERSON,
        page=dataclasses.replace(
            WOKEN, page_id=43, person=DEE, role="on_call", reason="is on call", then="nobody else is left to be woken"
        ),
        likely=dataclasses.replace(FIRST, opinions=(OpinionView(person=ANA, right=False),)), written=False,
    ),
    "you rolled back": dataclasses.replace(
        PERSON, card=dataclasses.replace(OPEN, likely=(WENT_BACK,)), likely=WENT_BACK,
        page=dataclasses.replace(WOKEN, role="rolled_back"),
    ),
    "you turned a flag": dataclasses.replace(
        PERSON, card=dataclasses.replace(OPEN, likely=(FLAG, SECOND)), likely=FLAG,
        page=dataclasses.replace(WOKEN, person=BEN, reason="turned the flag new-basket"),
    ),
    "in Slack alone": dataclasses.replace(
        PERSON, page=ALONE, card=dataclasses.replace(OPEN, wakes_next=None, wakes_on_call=None, pager=False)
    ),
    "no room": dataclasses.replace(PERSON, card=dataclasses.replace(OPEN, room=None, room_trouble="restricted_action")),
    "you are on it": dataclasses.replace(PERSON, card=ON_IT, page=ANSWERED),
    "somebody else is on it": dataclasses.replace(PERSON, card=ON_IT, page=ASKED, written=False),
    "it went on": dataclasses.replace(
        PERSON, page=dataclasses.replace(ASKED, way="assign", state=PageState.PASSED_ON), written=False
    ),
    "you did not answer": dataclasses.replace(PERSON, page=dataclasses.replace(ASKED, state=PageState.UNANSWERED)),
    "the policy calls you, the last": dataclasses.replace(PERSON, card=LEFT_ALONE, page=CALLED, written=False),
    "nobody answers, and you have not": dataclasses.replace(
        PERSON, page=SILENT, card=dataclasses.replace(OPEN, pages=(SILENT,))
    ),
    "somebody else could not be called": dataclasses.replace(
        PERSON, page=LATE, card=dataclasses.replace(OPEN, pages=(LATE,)), instead=True, written=False
    ),
    "somebody else could be called since": dataclasses.replace(PERSON, page=CALLED, instead=True, written=False),
    "you cannot come": dataclasses.replace(PERSON, page=dataclasses.replace(ASKED, state=PageState.DECLINED)),
    "you need not answer": dataclasses.replace(
        PERSON, page=dataclasses.replace(ASKED, state=PageState.OVER), written=False
    ),
    "it is over": dataclasses.replace(PERSON, card=RESOLVED, page=dataclasses.replace(WOKEN, state=PageState.OVER)),
}  # fmt: skip
PEOPLE: dict[str, object] = {
    "again, in Slack alone": dataclasses.replace(
        PERSON, page=ALONE, nag=2, again=True,
        card=dataclasses.replace(OPEN, wakes_next=None, wakes_on_call=None, pager=False),
    ),
    "again, since it goes on": dataclasses.replace(PERSON, again=True),
    "asked, not woken": dataclasses.replace(
        PERSON, said=PersonSaid.ASKED.value, page=None, likely=SECOND, why="wrote #815", written=False
    ),
    "asked, and it is over": dataclasses.replace(
        PERSON, card=RESOLVED, said=PersonSaid.ASKED.value, page=None, likely=SECOND, why="wrote #815", written=False
    ),
    "asked of a flag, whose keeper nobody knows": dataclasses.replace(
        PERSON, said=PersonSaid.ASKED.value, page=None, why="turned the flag new-basket", written=False,
        likely=dataclasses.replace(FLAG, kept_in=None, url=None),
    ),
}  # fmt: skip
ACT = ActModal(
    act=IncidentAct.UPDATE,
    card=ON_IT,
    severities=severity_rows(),
    every=(60, 15, 30, 120, 240),
    others=(QUIET_LINE, NOBODY_LINE),
    chosen=31,
)
TIMELINE = TimelineReply(
    incident_id=7,
    title="checkout 5xx",
    lines=(
        TimelineLine(at=ONSET - timedelta(minutes=12), kind="deploy", text="#812 went live", who=None, url=RUN),
        TimelineLine(at=ONSET, kind="alert", text="checkout 5xx fires", who=None, url=GRAFANA),
        TimelineLine(
            at=ONSET + timedelta(seconds=20), kind="page", text="Ana is woken: wrote #812", who=None, url=None
        ),
        TimelineLine(at=ONSET + timedelta(minutes=4), kind="message", text="I see time-outs", who="Ana", url=RUN),
        TimelineLine(at=ONSET + timedelta(minutes=40), kind="act", text="Resolved", who="Ana", url=None),
    ),
    earlier=12,
    document="https://acme.slack.example/docs/T1/F7",
)
ON_CALL = OnCallReply(
    service="checkout",
    source="pagerduty",
    on_call=(OnCallPerson(name="Dee", slack_id="U0DEE", until=ONSET + timedelta(hours=6)),),
    approvers=(),
    rota="PSVC1",
    read_at=ONSET - timedelta(minutes=4),
    trouble=None,
    paging="page",
    incident=None,
)
HELPERS = (
    HelperView(name="Dee", slack_id="U0DEE", online=True, works_now=True, from_at=None, away=None),
    HelperView(
        name="Eve", slack_id="U0EVE", online=None, works_now=False, from_at=ONSET + timedelta(hours=18), away=None
    ),
    HelperView(name="Fay", slack_id="U0FAY", online=False, works_now=True, from_at=None, away="On holiday"),
)
LOCKED = LockLine(
    scope="checkout → production",
    reason="incident: checkout 5xx",
    owner="Shipmate",
    until=None,
    wants_go=False,
    room="C0INC0007",
)
HELD_BACK = PromotionLine(
    promotion_id=12,
    sha="0c0ffee0" * 5,
    state="open",
    rollback=False,
    changes=1,
    closed=(
        GateLine(
            gate="lock", state="blocked", reason="checkout → production is locked by Shipmate: incident: checkout 5xx",
            can=(DEE,), room="C0INC0007",
        ),
    ),
)  # fmt: skip
METRICS = MetricsReply(
    about=None,
    days=30,
    since=ONSET - timedelta(days=30),
    teams=(
        TeamFigures(team="payments", pages=12, right=9, wrong=1, unjudged=2),
        TeamFigures(team="search", pages=1, right=0, wrong=0, unjudged=1),
    ),
    services=(
        ServiceFigures(
            service="checkout",
            team="payments",
            deploys=40,
            failed=3,
            incidents=4,
            recovery=timedelta(minutes=14),
            slow_recovery=timedelta(minutes=48),
            incident_recovery=timedelta(minutes=11),
        ),
        ServiceFigures(
            service="cart",
            team=None,
            deploys=0,
            failed=0,
            incidents=1,
            recovery=None,
            slow_recovery=None,
            incident_recovery=timedelta(minutes=4),
        ),
    ),
    more=0,
)
SAMPLES: dict[str, dict[str, object]] = {
    "cards/incident": dict(CARDS),
    "notes/incident_said": NOTES,
    "cards/page": PAGES,
    "notes/incident_person": PEOPLE,
    "replies/incident": {
        name: IncidentReply(card=CARDS[name])
        for name in ("somebody was woken", "somebody is on it, in the room", "only watched", "resolved")
    },
    "replies/incidents": {
        "none": IncidentsReply(open=(), more=0, ended=(), helps=False),
        "several": IncidentsReply(
            open=(LINE, QUIET_LINE, NOBODY_LINE, SHADOW_LINE), more=3, ended=(ENDED_LINE, MERGED_LINE), helps=False
        ),
        "help": IncidentsReply(open=(LINE,), more=0, ended=(), helps=True, severities=severity_rows()),
        "an unknown word": IncidentsReply(open=(), more=0, ended=(), helps=True, unknown="stauts", meant="status"),
        "a word without a neighbour": IncidentsReply(open=(), more=0, ended=(), helps=False, unknown="xyzzy"),
        "which one": IncidentsReply(
            open=(LINE, QUIET_LINE), more=0, ended=(), helps=False, asked="/incident resolve 7"
        ),
        "which one, and none is open": IncidentsReply(open=(), more=0, ended=(), helps=False, asked="/incident lead 7"),
    },
    "replies/timeline": {
        "lines": TIMELINE,
        "nothing yet": dataclasses.replace(TIMELINE, lines=(), earlier=0, document=None),
    },
    "replies/oncall": {
        "by PagerDuty": ON_CALL,
        "by PagerDuty, unknown to Slack, with an incident": dataclasses.replace(
            ON_CALL,
            on_call=(OnCallPerson(name="Dee", slack_id=None, until=None), *ON_CALL.on_call),
            incident=LINE,
        ),
        "not known": dataclasses.replace(
            ON_CALL, on_call=(), approvers=HELPERS, read_at=None,
            trouble="I have not read who is on call for checkout yet",
        ),
        "without PagerDuty": dataclasses.replace(
            ON_CALL, source="approvers", on_call=(), approvers=HELPERS, rota="", read_at=None, paging="shadow"
        ),
        "nobody at all": dataclasses.replace(
            ON_CALL, source="approvers", on_call=(), rota="", read_at=None, paging="off",
            incident=dataclasses.replace(QUIET_LINE, room=None),
        ),
    },
    "replies/metrics": {
        "all": METRICS,
        "one service": dataclasses.replace(
            METRICS, about="checkout", teams=METRICS.teams[:1], services=METRICS.services[:1]
        ),
        "nothing": dataclasses.replace(METRICS, teams=(), services=(), days=1),
    },
    "modals/incident_open": {
        "empty": OpenModal(title=None, chosen=None, severities=severity_rows(), severity=3),
        "a service misspelt": OpenModal(
            title="checkout answers 5xx", chosen="checkout", severities=severity_rows(), severity=2, unknown="chekout"
        ),
        "from a message": OpenModal(
            title="checkout is slow", chosen="checkout", severities=severity_rows(), severity=2, quoted="it is slow"
        ),
    },
    "modals/incident_update": {"how it stands": ACT},
    "modals/incident_resolve": {
        "two changes": dataclasses.replace(ACT, act=IncidentAct.RESOLVE),
        "with words": dataclasses.replace(ACT, act=IncidentAct.RESOLVE, card=QUIET, typed="Rolled back"),
        "nothing likely": dataclasses.replace(
            ACT, act=IncidentAct.RESOLVE, card=dataclasses.replace(TYPED, room=None), chosen=0
        ),
    },
    "modals/incident_severity": {"severity": dataclasses.replace(ACT, act=IncidentAct.SEVERITY)},
    "modals/incident_role": {
        "taken": dataclasses.replace(ACT, act=IncidentAct.LEAD),
        "nobody yet": dataclasses.replace(ACT, act=IncidentAct.LEAD, card=OPEN),
    },
    "modals/incident_task": {
        "some": dataclasses.replace(ACT, act=IncidentAct.TASK),
        "none": dataclasses.replace(ACT, act=IncidentAct.TASK, card=OPEN),
    },
    "modals/incident_keep": {"two are open": KeepModal(quoted="I see time-outs", open=(LINE, QUIET_LINE))},
    "modals/incident_merge": {"two others": dataclasses.replace(ACT, act=IncidentAct.MERGE)},
    "modals/incident_likely": {
        "two": dataclasses.replace(ACT, act=IncidentAct.RIGHT),
        "nothing": ActModal(act=IncidentAct.RIGHT, card=TYPED),
        "many": ActModal(act=IncidentAct.RIGHT, card=MANY),
    },
}  # fmt: skip
