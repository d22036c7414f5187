"""What pipelines send to the API: the shape of each body, and what is wrong with one that has another."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from handlers.webhooks.payload import decode_object, storable, web_address
from handlers.webhooks.source import Malformed

_YEARS = range(1970, 2200)


def _line(value: str) -> str:
    """In one line, without what no database can hold."""
    line = " ".join(storable(value).split())
    if not line:
        raise ValueError("is empty")
    return line


def _address(value: str) -> str:
    if web_address(value) is None:
        raise ValueError("is no address that a browser can follow: expected https://…, at most 3,000 characters")
    return value


def _utc(value: datetime) -> datetime:
    if value.year not in _YEARS:
        raise ValueError("is out of range")
    return value.astimezone(UTC)


Name = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_line)]
Sha = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{7,64}$", to_lower=True)]
Address = Annotated[str, AfterValidator(_address)]
Instant = Annotated[AwareDatetime, AfterValidator(_utc)]


class Body(BaseModel):
    """A body of the API: these fields and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class DeployBody(Body):
    """How one rollout stands."""

    service: Name
    environment: Name
    sha: Sha
    """The commit, in full where you have it."""
    status: Literal["pending", "in_progress", "succeeded", "failed", "cancelled"]
    percent: Annotated[int, Field(ge=0, le=100)] | None = None
    url: Address | None = None
    """Where the run can be watched."""
    at: Instant | None = None
    """When it came to be so, with its zone; without it, now."""
    run: Name | None = None
    """Your own name of this rollout. Without it, a report after the end of the last one begins a new one."""
    promotion: Annotated[int, Field(ge=1, lt=2**31)] | None = None
    """The number of the promotion that started it, where Shipmate told it."""


class CheckBody(Body):
    """What a check says of a build: what the gate ``smoke`` waits for by its name."""

    service: Name
    sha: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40,64}$", to_lower=True)]
    """The whole commit: a check of a shortened one would be of none."""
    name: Name
    status: Literal["passed", "failed", "cancelled"]
    url: Address | None = None
    at: Instant | None = None


class AlertBody(Body):
    """An alert that fires, or is over."""

    service: Name | None = None
    """Its name in shipmate.yml, or any other; without it, the labels tell."""
    key: Name | None = None
    """What makes two reports the same alert; without it, its service, environment and name."""
    name: Name
    state: Literal["firing", "resolved"]
    started_at: Instant | None = None
    """When it began to fire: the same in every report of it. One that is over may leave it out: all of its key end."""
    environment: Name | None = None
    level: Literal["critical", "error", "warning", "info"] | None = None
    """How grave it is; without it, an error."""
    summary: Name | None = None
    labels: Annotated[dict[Name, Name], Field(max_length=64)] = {}
    """Whatever else is known of it, by name."""
    version: Name | None = None
    """The version or commit on which alone it is seen."""
    url: Address | None = None
    """Where to look."""
    dashboard: Address | None = None
    runbook: Address | None = None
    at: Instant | None = None
    """When it came to be so; without it, now."""

    @model_validator(mode="after")
    def _began(self) -> AlertBody:
        if self.state == "firing" and self.started_at is None:
            raise ValueError("started_at: one that fires says when it began")
        return self

    @model_validator(mode="after")
    def _whose(self) -> AlertBody:
        if self.service is None and not self.labels:
            raise ValueError("service: name it, or send labels that tell whose it is")
        return self


class PromotionBody(Body):
    """Asks for a build to be promoted. It asks, and never approves."""

    service: Name
    environment: Name | None = None
    """Where to; without it, the one after the first in which the build is."""
    sha: Sha | None = None
    """Which build; without it, the newest one."""
    requested_by: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,38}(\[bot\])?$")] | None = None
    """The GitHub login of whoever asks: they cannot approve it then.

    Without it, or where it is a bot's or nobody's who is known here, one more approval is wanted.
    """


AnyBody = TypeVar("AnyBody", bound=Body)


def read(kind: type[AnyBody], body: bytes) -> AnyBody:
    """The body, checked; Malformed says every fault, each with its field."""
    decode_object(body)
    try:
        return kind.model_validate_json(body)
    except ValidationError as fault:
        said = "; ".join(_fault(list(one["loc"]), one["msg"]) for one in fault.errors())
        raise Malformed(f"The body cannot be used: {said[:1500]}.", f"Expected {_expected(kind)}.") from None


def _fault(place: Sequence[int | str], words: str) -> str:
    words = words.removeprefix("Value error, ")
    return f"{'.'.join(map(str, place)) or 'body'}: {words[0].lower()}{words[1:]}"


def _expected(kind: type[Body]) -> str:
    names = [f"{name}{'' if field.is_required() else '?'}" for name, field in kind.model_fields.items()]
    besides = "; one that fires says started_at, one without service sends labels" if kind is AlertBody else ""
    return "{" + ", ".join(names) + "} (? may be left out" + besides + ")"
