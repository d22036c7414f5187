"""A bakery whose rollouts, flags and alerts are told to one bot over one session, for what may have caused an alert."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlmodel import Session

from bot.alerts import service as alerts
from bot.alerts.gathering import candidates, symptom_of
from bot.alerts.models import Alert
from bot.alerts.suspects import Attribution, Candidate, Symptom, attribute
from bot.catalog import Catalog, Service
from bot.deploys import service as deploys
from bot.deploys.models import Deploy
from bot.events import AlertReported, FlagChanged, Human
from bot.ports import Range
from tests.unit.reports import BEN, catalog, minute, report
from tests.unit.stores import NOON

HOUR = timedelta(hours=1)

SERVICES = {
    "oven": Service(name="oven", channel="#b", environments=("staging", "production"), depends_on=("mill", "well")),
    "mill": Service(name="mill", channel="#b", environments=("live",), depends_on=("farm",)),
    "farm": Service(name="farm", channel="#b", environments=("production",), depends_on=("oven",)),
    "well": Service(name="well", channel="#b"),
    "shop": Service(name="shop", channel="#b", environments=("production",), depends_on=("oven",)),
    "cake": Service(name="cake", channel="#b", repo="bakery/sweets", paths=("cake/**",), environments=("production",)),
    "till": Service(name="till", channel="#b", environments=("staging", "production-eu", "production-us")),
}  # fmt: skip
BAKERY: Catalog = catalog(*SERVICES.values())


@dataclass
class Bakery:
    """What was told to one bot over one session, in minutes past noon; the symptom is seen an hour past it."""

    session: Session

    def rolls(self, sha: str, *told: tuple[str, float], service: str = "oven", found: Range | None = None,
              percents: Sequence[tuple[int, float]] = (), **more: Any) -> Deploy:  # fmt: skip
        """A rollout is reported, status by status, and the forge tells what it carries."""
        about = {
            "repo": f"bakery/{service}",
            "service": service,
            "number": f"{service}{sha}",
            "began": told[0][1],
            **more,
        }
        reports = [report(sha, status, at, **about) for status, at in told]
        reports += [report(sha, "in_progress", at, percent=percent, **about) for percent, at in percents]
        deploy = [deploys.reported(self.session, BAKERY, one, NOON) for one in reports][-1]
        if found is not None:
            deploys.range_read(self.session, BAKERY, deploy.id or 0, deploy.previous_sha, found, NOON)
        return deploy

    def fires(self, at: float = 60, *, over: float | None = None, told: float | None = None,
              service: str | None = "oven", **more: Any) -> Alert:  # fmt: skip
        """An alert fires, and may be over again; ``told`` is when it reaches us, if later than it fired."""
        about: dict[str, Any] = {
            "source": "generic", "fingerprint": more.pop("key", "5xx"), "service": service,
            "environment": "production", "name": "HighErrorRate", "started_at": minute(at), **more,
        }  # fmt: skip
        heard = minute(at if told is None else told)
        (alert,) = alerts.reported(self.session, BAKERY, AlertReported(at=heard, **about), heard)
        if over is not None:
            ended = AlertReported(resolved_at=minute(over), at=minute(over), **about)
            alerts.reported(self.session, BAKERY, ended, minute(over))
        return alert

    def turns(self, flag: str, at: float, *, service: str | None = "oven", environment: str | None = "production",
              by: Human | None = BEN) -> None:  # fmt: skip
        """A flag is turned."""
        alerts.flag_changed(
            self.session,
            BAKERY,
            FlagChanged(
                source="launchdarkly", external_id=f"{flag}{at}", flag=flag, project="p", environment=environment,
                service=service, summary="turned on", by=by, at=minute(at),
            ),
            minute(at),
        )  # fmt: skip

    def symptom(self, *fired: Alert) -> Symptom:
        """What these alerts tell of, or one an hour past noon."""
        return symptom_of(self.session, BAKERY, fired or (self.fires(),))

    def candidates(self, *fired: Alert) -> Sequence[Candidate]:
        """What may have done it."""
        return candidates(self.session, BAKERY, self.symptom(*fired), HOUR, minute(90))

    def names(self, *fired: Alert) -> set[str]:
        """What it is called."""
        return {one.called[0] if one.kind == "deploy" else one.called for one in self.candidates(*fired)}

    def answer(self, *fired: Alert) -> Attribution:
        """What is found."""
        symptom = self.symptom(*fired)
        return attribute(symptom, candidates(self.session, BAKERY, symptom, HOUR, minute(90)), HOUR)
