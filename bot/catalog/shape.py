"""The shape of shipmate.yml: every key it may hold, and what each must look like.

The attribute docstrings are the descriptions that an editor shows beside each key. How names refer to each other is
checked elsewhere (``references``); a default that depends on another key is filled in when the catalogue is built.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetJsonSchemaHandler,
    InstanceOf,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from bot.catalog import values
from bot.catalog.model import (
    OnFailure,
    OutsideHours,
    PagingMode,
    PromoteThrough,
    Ready,
    Supersede,
    TrainApproval,
    Turns,
)
from bot.events import AlertLevel
from bot.gates import UNBUILT
from bot.gates.approval import ApprovalShape
from bot.gates.batch import BatchOption
from bot.gates.options import Duration, Later, Name, Names, Plain, Shape, names, text
from bot.gates.smoke import SmokeOption
from bot.gates.soak import SoakOption
from bot.settings import slack_channel

PLAIN_GATES = ("lock", "freeze", "order", "train", "health")
"""Gates that take no options."""


def _channel(value: object) -> str:
    return slack_channel(str(value or ""))


Zone = Annotated[
    InstanceOf[ZoneInfo], BeforeValidator(values.zone), text("An IANA time zone", examples=["Europe/Paris"])
]
Cron = Annotated[
    str, BeforeValidator(values.cron), text("Minute, hour, day, month, weekday", examples=["0 10,14 * * mon-fri"])
]
_TEXTS: JsonSchemaValue = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
Departures = Annotated[
    list[str],
    BeforeValidator(values.departures),
    WithJsonSchema(
        {
            **_TEXTS,
            "description": "Cron (minute, hour, day, month, weekday), a recurrence rule, or a list of them",
            "examples": ["0 10,14 * * mon-fri", "DTSTART:20260105T100000\nRRULE:FREQ=WEEKLY;BYDAY=TU,TH"],
        }
    ),
]
Instant = Annotated[datetime, BeforeValidator(values.instant), text("A day and a time", examples=["2026-12-23T18:00"])]
Channel = Annotated[str, BeforeValidator(_channel), text("A Slack channel", examples=["#payments-deploys"])]
WebAddress = Annotated[str, BeforeValidator(values.web_address), text("An address", pattern="^https?://")]
CompareAddress = Annotated[
    str, BeforeValidator(values.compare_address), text("An address; may hold {{ deploy.sha }}, {{ previous.sha }}")
]
PipelineAddress = Annotated[
    str,
    BeforeValidator(values.pipeline_address),
    text("An address, https or on this machine", pattern="^https?://", examples=["https://ci.example.com/promote"]),
]
WorkflowFile = Annotated[str, BeforeValidator(values.workflow_file), text("A workflow's file", examples=["deploy.yml"])]
GitRef = Annotated[str, BeforeValidator(values.git_ref), text("A branch or tag", examples=["main"])]
Repository = Annotated[str, BeforeValidator(values.repository), text("owner/name", examples=["acme/checkout"])]
Glob = Annotated[str, BeforeValidator(values.glob), text("Paths, from the root", examples=["services/checkout/**"])]
TrainName = Annotated[Name, AfterValidator(values.train_name)]
SlackId = Annotated[str, BeforeValidator(values.slack_id), text("A member id", examples=["U02ABCDEF"])]
Login = Annotated[str, BeforeValidator(values.github_login), text("A GitHub login")]
Mailbox = Annotated[str, BeforeValidator(values.mailbox), text("An e-mail address")]


_OPTIONAL_OPTIONS = "approval"


class GateShape(Shape):
    """One gate: its name, or its name with options."""

    lock: Plain = None
    """Closed while somebody's lock is on."""
    freeze: Plain = None
    """Closed within a freeze."""
    order: Plain = None
    """No older build over a newer one, unless it is a declared rollback."""
    train: Plain = None
    """Only with a train."""
    health: Plain = None
    """Closed while an alert fires."""
    soak: SoakOption = None
    """A stay in the environment before."""
    smoke: SmokeOption = None
    """Checks that must have passed, by name."""
    batch: BatchOption = None
    """How much may ship at once; more asks for one more approval."""
    approval: ApprovalShape | None = None
    """Somebody else's yes."""
    risk: Later = None
    """Not built yet: closed."""
    hours: Later = None
    """Not built yet: closed."""
    ready: Later = None
    """Not built yet: closed."""

    @model_validator(mode="before")
    @classmethod
    def _by_name(cls, value: object) -> object:
        if isinstance(value, str):
            return {value: None}
        if isinstance(value, dict) and len(value) != 1:
            raise ValueError("expected one gate for each list item; begin the next one with its own dash")
        return value

    @property
    def gate(self) -> str:
        """The name of the one gate that this is."""
        return next(iter(self.model_fields_set))

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        bare = [*PLAIN_GATES, _OPTIONAL_OPTIONS, *UNBUILT]
        with_options = handler.resolve_ref_schema(handler(schema))
        for name, field in with_options["properties"].items():
            field.pop("default", None)
            if "anyOf" in field and name != _OPTIONAL_OPTIONS:
                field["anyOf"] = [kind for kind in field["anyOf"] if kind != {"type": "null"}]
        one = {**with_options, "minProperties": 1, "maxProperties": 1}
        return {"title": "Gate", "anyOf": [{"enum": bare, "type": "string"}, one]}


def _once_each(gates: list[GateShape]) -> list[GateShape]:
    named = [gate.gate for gate in gates]
    for name in named:
        if named.count(name) > 1:
            raise ValueError(f"names the gate {name} twice")
    return gates


def _no_repetition(written: list[str]) -> list[str]:
    if len({name.casefold() for name in written}) < len(written):
        raise ValueError("names the same one twice (capitals make no difference)")
    return written


Gates = Annotated[list[GateShape], AfterValidator(_once_each)]
Pipeline = Annotated[list[Name], Field(min_length=1), AfterValidator(_no_repetition)]


class PolicyShape(Shape):
    """What holds for a service, and under ``defaults`` for every service that does not say otherwise."""

    environments: Pipeline | None = None
    """The pipeline, in order; the last one is where customers are."""
    promote_through: PromoteThrough | None = None
    """How a promotion is carried out. Without it nothing is promoted."""
    promote_webhook: PipelineAddress | None = None
    """Where ``promote_through: webhook`` sends its signed call."""
    workflow: WorkflowFile | None = None
    """The file in .github/workflows that ``promote_through: github-workflow`` dispatches; without it, deploy.yml."""
    workflow_ref: GitRef | None = None
    """The branch or tag whose workflow is dispatched; without it, the main branch."""
    gates: Gates | None = None
    """What must be open before a promotion."""
    supersede: Supersede | None = None
    """What a newer build does to an open promotion."""
    undo: Duration | None = None
    """How long an approval can be taken back before anything happens."""
    compare_url: CompareAddress | None = None
    """A dashboard comparing the old version with the new one."""
    runbook: WebAddress | None = None
    """What to read when it breaks."""
    paging: PagingMode | None = None
    """What an alert after a rollout does to the people who wrote it."""


class AlertsShape(Shape):
    """Which alerts are this service's."""

    match: Annotated[dict[Name, Name], Field(min_length=1)]
    """Labels that an alert has, each with its value."""


class ServiceShape(PolicyShape):
    """One service."""

    team: Name | None = None
    """Who looks after it: one of ``teams``."""
    repo: Repository | None = None
    """Where its code lives."""
    paths: list[Glob] | None = None
    """What of the repository is this service's; without it, everything."""
    alerts: AlertsShape | None = None
    pagerduty_service: Name | None = None
    """Its id in PagerDuty."""
    depends_on: list[Name] | None = None
    """Services whose changes can break it."""


class TeamShape(Shape):
    """One team."""

    channel: Channel
    """Where its deploys are told."""
    approvers: Names | None = None
    """Slack groups or people who may approve and override."""
    members: Names | None = None
    """Slack groups or people; without it, every full member of the workspace."""
    escalation_policy: Name | None = None
    """Its id in PagerDuty."""


class PersonShape(Shape):
    """One person, by the names other systems know them by."""

    slack: SlackId | None = None
    github: Login | None = None
    email: Mailbox | None = None
    pagerduty: Name | None = None
    """Their user id in PagerDuty."""
    name: Name | None = None
    """What to call them where Slack cannot be asked."""

    @model_validator(mode="after")
    def _is_somebody(self) -> PersonShape:
        if not any((self.slack, self.github, self.email, self.pagerduty)):
            raise ValueError("needs at least one of slack, github, email or pagerduty")
        return self


class ConductorsShape(Shape):
    """Who conducts a train."""

    rota: Names
    """Member ids in turn, or one Slack user group or PagerDuty schedule that says itself whose turn it is."""
    turns: Turns | None = None
    """When the next one of the rota takes over; without it, at each departure."""
    backup: SlackId | None = None
    """Who may do all that the conductor may."""


class TrainShape(Shape):
    """One timetable of promotions."""

    services: Annotated[list[Name], Field(min_length=1), AfterValidator(_no_repetition)]
    """Who may board."""
    to: Name
    """The environment it goes to."""
    departs: Departures
    """When it leaves, in local times."""
    timezone: Zone | None = None
    """The zone of ``departs``; without it, the catalogue's."""
    channel: Channel | None = None
    """Where it is told; without it, in the channel of its first service's team."""
    boarding_closes: Duration | None = None
    """How long before departure the list is sealed; without it, at departure."""
    capacity: Annotated[int, Field(ge=1)] | None = None
    """The most changes aboard."""
    stages: Annotated[list[Names], Field(min_length=1)] | None = None
    """Who ships first, and who only when those are live; without it, all ship together."""
    conductors: ConductorsShape | None = None
    """Who sees to it; without it, the approvers of its first service's team."""
    approval: TrainApproval | None = None
    """Whether each promotion aboard is approved by itself, or all by one button."""
    ready: Ready | None = None
    """Whether the authors aboard say that they are ready; without it, nobody is asked."""
    on_failure: OnFailure | None = None
    """What becomes of the train when one of its promotions fails."""
    late_by: Duration | None = None
    """How late it may leave when Shipmate was down at its time; later than that, it was missed."""
    decide_within: Duration | None = None
    """When a departure that could not leave is cancelled, counted from its time."""


def _all(value: object) -> object:
    if value in (None, "all"):
        return "all"
    return names(value)


class FreezeShape(Shape):
    """A window within which nothing is promoted."""

    begins: Instant = Field(alias="from")
    """In the catalogue's time zone, unless it says its offset."""
    ends: Instant = Field(alias="until")
    services: Annotated[
        Literal["all"] | list[str],
        BeforeValidator(_all),
        WithJsonSchema(_TEXTS),
    ] = "all"
    """Which services, or ``all``."""
    reason: Name
    """What people read while it holds."""


class PagingShape(Shape):
    """What happens to the people behind a rollout when an alert fires after it."""

    window: Duration | None = None
    """How long after a rollout an alert asks about it."""
    mode: PagingMode | None = None
    """For every service; without it, ``page`` where a service names its pagerduty_service and ``shadow`` elsewhere."""
    no_answer_after: Duration | None = None
    """How long a page waits for an answer before it escalates."""
    outside_hours: OutsideHours | None = None
    """Who is woken first outside the working hours that an author has set; without it, whoever is on call."""
    opens_at: AlertLevel | None = None
    """How grave an alert opens an incident; without it, error. One that does not say how grave it is, is an error."""


class IncidentsShape(Shape):
    """How incidents are kept."""

    channel: Channel | None = None
    """Where every incident is told, besides its team's channel."""
    private: bool | None = None
    """Whether their rooms are private channels."""
    update_every: Duration | None = None
    """How often their lead says how it stands; without it, as the severity asks."""
    archive_after: Duration | None = None
    """How long after the end a room is archived; without it, 7d."""
    reopens_within: Duration | None = None
    """How soon after the end an alert opens the same incident again; without it, 30m."""
    issues_in: Repository | None = None
    """Where follow-ups become issues; without it, in the service's own repository."""


class OnlyShape(Shape):
    """What an audience hears, where not everything."""

    labels: Names | None = None
    """Changes with one of these labels."""
    services: Names | None = None
    """Changes of one of these services."""


class AudienceShape(Shape):
    """People who want to hear what reached customers."""

    channel: Channel
    every: Cron
    """When they hear it, in the catalogue's time zone."""
    only: OnlyShape | None = None


class SourceShape(Shape):
    """How one system's webhooks are taken."""

    insecure: bool = False
    """Take them unsigned: anybody who finds the address can then invent events."""


class CatalogShape(Shape):
    """All of shipmate.yml. Keys that begin with ``x-`` are free, as a place for anchors."""

    timezone: Zone | None = None
    """For every time in this file that does not say its own; without it, UTC."""
    defaults: PolicyShape | None = None
    """The policy of every service that does not say otherwise, also of those not named here."""
    teams: dict[Name, TeamShape] | None = None
    services: dict[Name, ServiceShape] | None = None
    people: list[PersonShape] | None = None
    trains: dict[TrainName, TrainShape] | None = None
    freezes: list[FreezeShape] | None = None
    paging: PagingShape | None = None
    incidents: IncidentsShape | None = None
    audiences: dict[Name, AudienceShape] | None = None
    sources: dict[Name, SourceShape] | None = None
