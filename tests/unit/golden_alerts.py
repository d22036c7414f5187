"""Views of alerts, for the golden files: of whom nobody knows whose they are, and on rollouts without a promotion."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

from bot.alerts.views import MoreUnmappedCard, ServiceChoice, UnmappedCard, UnmappedKind
from bot.deploys.views import ChangeView, DeployNote, DeploySaid, PersonView
from tests.unit.golden_deploys import BURNS

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
RETRY = ChangeView(
    label="#812",
    title="Retry payments once after a time-out",
    url="https://github.example/acme/checkout/pull/812",
    authors=(PersonView(name="Ana", slack_id="U0ANA"),),
    change_id=41,
)
ASKED = UnmappedCard(
    alert_id=7,
    name="Disk is full",
    source="alertmanager",
    since=NOON,
    over=False,
    url="https://prometheus.example/graph?g0.expr=x",
    summary="db-1 is at 95 %",
    labels=("job=node", "instance=db-1", "severity=critical"),
    choices=(ServiceChoice(name="checkout", value="7:checkout"), ServiceChoice(name="cart", value="7:cart")),
)
DEE = PersonView(name="Dee", slack_id="U0DEE")
DEAD = UnmappedKind(name="Host is dead", level=None)
FAILED = DeployNote(
    said=DeploySaid.FAILED.value,
    service="checkout",
    environment="production",
    sha="a1b2c3d4e5f60718293a4b5c6d7e8f9001122334",
    rollback=False,
    changes=(RETRY,),
    more=0,
    url="https://github.example/acme/checkout/actions/runs/991",
)
FIRES = dataclasses.replace(
    FAILED, said=DeploySaid.ALERT.value, alert="checkout 5xx", alert_url="https://grafana.example/d/5xx", since=NOON
)

SAMPLES: dict[str, dict[str, object]] = {
    "cards/alert_unmapped": {
        "with services to choose": ASKED,
        "hardly known, and over": dataclasses.replace(ASKED, over=True, url=None, summary=None, labels=(), choices=()),
        "grave": dataclasses.replace(ASKED, grave="critical"),
        "of a service that is none": dataclasses.replace(
            ASKED, grave="critical", labels=("service=chekout",), named="chekout", meant="checkout"
        ),
        "of a service that is like none": dataclasses.replace(ASKED, labels=("service=nosuch",), named="nosuch"),
        "with more services than a menu takes": dataclasses.replace(ASKED, more=True),
        "it is nobody's, with as many": dataclasses.replace(ASKED, answered=True, by=DEE, more=True),
        "it is a service's": dataclasses.replace(ASKED, answered=True, service="cart", by=DEE),
        "it is nobody's": dataclasses.replace(ASKED, answered=True, by=DEE),
        "the catalogue tells": dataclasses.replace(ASKED, answered=True, service="cart"),
    },
    "cards/alert_unmapped_more": {
        "many": MoreUnmappedCard(kinds=15, named=(UnmappedKind(name="Disk", level="critical"), DEAD)),
        "more than were counted": MoreUnmappedCard(kinds=490, named=(DEAD,), at_least=True),
        "one": MoreUnmappedCard(kinds=1, named=(DEAD,)),
        "none any more": MoreUnmappedCard(kinds=0, named=()),
    },
    "notes/deploy_said": {
        "it failed": FAILED,
        "it failed, and nobody knows what it carries": dataclasses.replace(FAILED, changes=(), url=None),
        "an alert fires": FIRES,
        "an alert fires while it rolls out": dataclasses.replace(FIRES, rolling=True),
        "an alert fires, and its incident is open": dataclasses.replace(FIRES, incident=BURNS),
        "an alert fires, with more aboard than is listed": dataclasses.replace(FIRES, more=9, alert_url=None),
        "it is over": dataclasses.replace(FIRES, said=DeploySaid.ALERT_OVER.value),
    },
}
"""Views by their template's name."""
