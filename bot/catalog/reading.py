"""From shipmate.yml to the catalogue: read, check, tell every fault at once, build."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ValidationError

from bot.catalog import lines, model, references, shape
from bot.catalog.lines import Fault
from bot.catalog.telling import shape_faults
from bot.errors import ConfigurationError
from bot.gates import DEFAULT_GATES, Approval, Freeze, Gate, Health, Lock, Order, Smoke, Soak, Train, Unbuilt
from bot.timetable import window

_FREE_KEYS = "x-"
_DRAFT = "https://json-schema.org/draft/2020-12/schema"


class CatalogError(ConfigurationError):
    """shipmate.yml cannot be used; ``found`` has the line and place of each fault."""

    def __init__(self, file: str, found: list[Fault]) -> None:
        super().__init__([fault.told(file) for fault in found])
        self.file = file
        self.found = found


def load_catalog(path: Path | None, *, default_channel: str) -> model.Catalog:
    """The catalogue that ``path`` describes; with no path, one in which every service has the default policy.

    Raises CatalogError with every fault at once. ``default_channel`` is where services without a team are told.
    """
    if path is None:
        return _build(shape.CatalogShape(), default_channel)
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or "it cannot be opened").lower()
        raise CatalogError(str(path), [Fault(1, (), f"cannot be read: {reason}")]) from None
    return _build(_checked(str(path), data), default_channel)


def catalog_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of shipmate.yml, for editors. It knows forms; references need the check."""
    schema = shape.CatalogShape.model_json_schema(by_alias=True)
    return {
        "$schema": _DRAFT,
        **schema,
        "title": "shipmate.yml",
        "patternProperties": {f"^{_FREE_KEYS}": {"description": "Free: a place for anchors."}},
    }


def _checked(file: str, data: bytes) -> shape.CatalogShape:
    document = lines.parse(data)
    found = list(document.faults)
    content = {} if document.value is None and not found else document.value
    if isinstance(content, dict):
        content = {key: value for key, value in content.items() if not key.startswith(_FREE_KEYS)}
    result: shape.CatalogShape | None = None
    if content is not None:
        try:
            result = shape.CatalogShape.model_validate(content)
        except ValidationError as error:
            found.extend(shape_faults(document, error))
        found.extend(references.faults(document))
    if found or result is None:
        found.sort(key=lambda fault: (fault.line, fault.key))
        raise CatalogError(file, list(dict.fromkeys(found))) from None
    return result


def _build(written: shape.CatalogShape, default_channel: str) -> model.Catalog:
    zone = written.timezone or ZoneInfo("UTC")
    teams = {
        name: model.Team(
            name=name,
            channel=team.channel,
            approvers=tuple(team.approvers or ()),
            members=tuple(team.members or ()),
            escalation_policy=team.escalation_policy,
        )
        for name, team in (written.teams or {}).items()
    }
    defaults = written.defaults or shape.PolicyShape()
    paging = written.paging or shape.PagingShape()
    trains = {name: _train(name, train, zone) for name, train in (written.trains or {}).items()}
    builder = _Services(defaults, paging.mode, teams, default_channel, trains)
    return model.Catalog(
        default_channel=default_channel,
        unknown=builder.unknown(),
        timezone=zone,
        teams=teams,
        services={name: builder.service(name, service) for name, service in (written.services or {}).items()},
        people=tuple(model.PersonEntry(**person.model_dump()) for person in written.people or ()),
        trains=trains,
        freezes=tuple(_freeze(freeze, zone) for freeze in written.freezes or ()),
        paging=_paging(paging),
        incidents=_incidents(written.incidents or shape.IncidentsShape()),
        audiences={name: _audience(name, audience) for name, audience in (written.audiences or {}).items()},
        insecure_sources=frozenset(name for name, source in (written.sources or {}).items() if source.insecure),
    )


class _Services:
    """Builds services out of what the file says of them and what it says of all."""

    def __init__(
        self,
        defaults: shape.PolicyShape,
        paging: model.PagingMode | None,
        teams: dict[str, model.Team],
        default_channel: str,
        trains: dict[str, model.Train],
    ) -> None:
        self._defaults = defaults
        self._paging = paging
        self._teams = teams
        self._default_channel = default_channel
        self._carried = frozenset(service for train in trains.values() for service in train.services)

    def unknown(self) -> model.Service:
        """The policy of services that the file does not name."""
        return model.Service(
            name="unknown", channel=self._default_channel, known=False, **self._policy(shape.ServiceShape())
        )

    def service(self, name: str, written: shape.ServiceShape) -> model.Service:
        """One service of the file."""
        team = self._teams[written.team] if written.team else None
        policy = self._policy(written)
        if name in self._carried:
            policy["gates"] = _with_train(policy.get("gates", DEFAULT_GATES))
        return model.Service(
            name=name,
            channel=team.channel if team else self._default_channel,
            team=team,
            repo=written.repo,
            paths=tuple(written.paths or ()),
            alerts=dict(written.alerts.match) if written.alerts else {},
            pagerduty_service=written.pagerduty_service,
            depends_on=tuple(written.depends_on or ()),
            **policy,
        )

    def _policy(self, written: shape.ServiceShape) -> dict[str, Any]:
        """What the service says, else what ``defaults`` say; what neither says is left to the model's own default."""
        found: dict[str, Any] = {}
        for key in shape.PolicyShape.model_fields:
            own = getattr(written, key)
            value = own if own is not None else getattr(self._defaults, key)
            if value is not None:
                found[key] = value
        if "environments" in found:
            found["environments"] = tuple(found["environments"])
        if "gates" in found:
            found["gates"] = tuple(_gate(gate) for gate in found["gates"])
        wakes = model.PagingMode.PAGE if written.pagerduty_service else model.PagingMode.SHADOW
        found.setdefault("paging", self._paging or wakes)
        return found


def _with_train(gates: tuple[Gate, ...]) -> tuple[Gate, ...]:
    """The gates of a service that a train carries: nothing of it goes there by itself."""
    return gates if any(gate.name == Train.name for gate in gates) else (*gates, Train())


_PLAIN: dict[str, Gate] = {gate.name: gate for gate in (Lock(), Freeze(), Order(), Train(), Health())}


def _gate(written: shape.GateShape) -> Gate:
    match written.gate:
        case "soak" if written.soak is not None:
            return Soak(written.soak)
        case "smoke" if written.smoke is not None:
            return Smoke(tuple(dict.fromkeys(written.smoke)))
        case "batch" if written.batch is not None:
            return written.batch.gate()
        case "approval":
            return written.approval.gate() if written.approval is not None else Approval()
        case name:
            return _PLAIN.get(name) or Unbuilt(name)


_AS_WRITTEN = (
    "channel", "boarding_closes", "capacity", "approval", "ready", "on_failure", "late_by", "decide_within"
)  # fmt: skip
"""What of a train is taken as it was written, and where nothing is, left to the model's own default."""


def _train(name: str, written: shape.TrainShape, zone: ZoneInfo) -> model.Train:
    said = {key: getattr(written, key) for key in _AS_WRITTEN}
    return model.Train(
        name=name,
        services=tuple(written.services),
        to=written.to,
        departs=tuple(written.departs),
        zone=written.timezone or zone,
        stages=tuple(tuple(stage) for stage in written.stages or [written.services]),
        conductors=_conductors(written.conductors) if written.conductors else None,
        **{key: value for key, value in said.items() if value is not None},
    )


def _conductors(written: shape.ConductorsShape) -> model.Conductors:
    return model.Conductors(
        rota=tuple(written.rota), turns=written.turns or model.Conductors.turns, backup=written.backup
    )


def _freeze(written: shape.FreezeShape, zone: ZoneInfo) -> model.Freeze:
    begins, ends = window(written.begins, written.ends, zone)
    return model.Freeze(
        begins=begins,
        ends=ends,
        services=None if written.services == "all" else tuple(written.services),
        reason=written.reason,
    )


def _paging(written: shape.PagingShape) -> model.Paging:
    return model.Paging(**_said(written, "window", "no_answer_after", "outside_hours", "opens_at"))


def _incidents(written: shape.IncidentsShape) -> model.Incidents:
    return model.Incidents(**_said(written, *shape.IncidentsShape.model_fields))


def _said(written: BaseModel, *keys: str) -> dict[str, Any]:
    """Of these keys what the file says; for the others, the model's own defaults hold."""
    return {key: value for key in keys if (value := getattr(written, key)) is not None}


def _audience(name: str, written: shape.AudienceShape) -> model.Audience:
    only = written.only or shape.OnlyShape()
    return model.Audience(
        name=name,
        channel=written.channel,
        every=written.every,
        labels=tuple(only.labels or ()),
        services=tuple(only.services or ()),
    )
