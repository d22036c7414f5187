"""Who is on call, and the figures: how often pages were right, how changes fared; the same for programs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import Session, select

from bot.answers import incident_rows
from bot.answers.lists import Asked
from bot.answers.metrics import metrics, read_days
from bot.answers.oncall import on_call
from bot.errors import UserError
from bot.events import IncidentAct
from bot.incidents.models import Likely
from bot.people import OnCallList
from tests.unit.alarming import alarms
from tests.unit.reports import minute
from tests.unit.seeing import RENDERER, burning


def test_on_call_says_who_until_when_and_how_it_is_known(sqlite_session: Session) -> None:
    here = alarms(sqlite_session)
    row = here.session.exec(select(OnCallList).where(OnCallList.service == "PCHECKOUT")).one()
    row.who = [{**row.who[0], "until": minute(30).isoformat()}]
    here.session.flush()
    reply = on_call(here.session, here.desk, "Checkout")
    assert [(one.name, one.slack_id, one.until) for one in reply.on_call] == [("Dee", "U0DEE", minute(30))]
    assert (reply.source, reply.rota, reply.read_at, reply.approvers) == ("pagerduty", "PCHECKOUT", row.read_at, ())
    here.at = 31
    over = on_call(here.session, here.desk, "checkout")
    assert (over.on_call, over.trouble) == ((), "nobody is on call for checkout")
    assert [one.slack_id for one in over.approvers] == ["U0DEE", "U0EVE"]
    here.services = (replace(here.services[0], pagerduty_service=None),)
    alone = on_call(here.session, here.desk, "checkout")
    assert (alone.source, alone.on_call, len(alone.approvers)) == ("approvers", (), 2)
    with pytest.raises(UserError, match="did you mean “checkout”"):
        on_call(here.session, here.desk, "chekout")


def test_metrics_count_verdicts_failures_and_recovery(sqlite_session: Session) -> None:
    here = burning(sqlite_session)
    here.calls()
    likely = here.session.exec(select(Likely)).one().id
    here.at = 22
    here.over()
    here.acts(IncidentAct.RESOLVE, text="over", likely=likely)
    here.at = 30
    every = metrics(here.session, here.desk, None, None)
    assert [(one.team, one.pages, one.right, one.wrong) for one in every.teams] == [("bakers", 2, 2, 0)]
    (checkout,) = [one for one in every.services if one.service == "checkout"]
    assert (checkout.failed, checkout.incidents, checkout.recovery) == (1, 1, timedelta(minutes=10))
    assert metrics(here.session, here.desk, "Bakers", 7).about == "bakers"
    mail = metrics(here.session, here.desk, "mail", 7)
    assert (mail.about, mail.days, mail.teams, [one.incidents for one in mail.services]) == ("mail", 7, (), [0])
    with pytest.raises(UserError, match="I know no service and no team “chekout”; did you mean “checkout”"):
        metrics(here.session, here.desk, "chekout", None)


def test_what_no_deploy_caused_has_a_recovery_of_its_own(sqlite_session: Session) -> None:
    """Recovery is of failed deploys; that incidents were over is told beside their number."""
    here = alarms(sqlite_session)
    for at, took in ((100, 3), (300, 5), (500, 90)):
        here.at = at
        here.fires("mail")
        here.at += took
        here.over("mail")
        here.acts(IncidentAct.RESOLVE, incident=here.incidents()[-1], text="it was the network", likely=0)
    here.at = 800
    here.fires("mail")
    here.at = 801
    (mail,) = metrics(here.session, here.desk, "mail", None).services
    assert (mail.failed, mail.recovery, mail.incidents, mail.incident_recovery) == (0, None, 4, timedelta(minutes=5))
    words = RENDERER.message("replies/metrics", metrics(here.session, here.desk, "mail", None), key="k").text
    assert "failed (0 %) · 4 incidents, half of those over within 5 min" in words
    rows = incident_rows.metrics(here.session, here.desk, "mail", None, None)["services"]
    assert [(row["median_recovery"], row["median_incident_recovery"]) for row in rows] == [(None, 300)]  # type: ignore[attr-defined]


@pytest.mark.parametrize(("word", "days"), [("30d", 30), ("2W", 14), ("365d", 365), ("0d", None), ("checkout", None)])
def test_days_are_read(word: str, days: int | None) -> None:
    assert read_days(word) == days


def test_more_days_than_are_counted_are_refused_with_what_it_takes() -> None:
    with pytest.raises(UserError, match="at most 365 days: /ship metrics 365d"):
        read_days("9999d")


def test_figures_of_what_nobody_has_heard_of_are_refused(sqlite_session: Session) -> None:
    here = alarms(sqlite_session)
    with pytest.raises(UserError, match="did you mean “checkout”"):
        incident_rows.metrics(here.session, here.desk, "chekout", None, 30)
    with pytest.raises(UserError, match="I know no team “baker”; did you mean “bakers”"):
        incident_rows.metrics(here.session, here.desk, None, "baker", 30)
    assert incident_rows.metrics(here.session, here.desk, "Checkout", "Bakers", 30)["days"] == 30


def test_programs_read_the_same(sqlite_session: Session) -> None:
    here = burning(sqlite_session)
    here.calls()
    here.fires("mail")
    session, desk = here.session, here.desk
    first = incident_rows.incidents(session, desk, Asked(limit=1))
    assert ([row["id"] for row in first.rows], first.next) == ([2], 2)
    (row,) = incident_rows.incidents(session, desk, Asked(before=2, service="CHECKOUT", environment="production")).rows
    assert (row["title"], row["state"], row["severity_name"]) == ("checkout 5xx", "open", "SEV2")
    assert row["services"] == [{"service": "checkout", "environment": "production", "locked": True}]
    assert incident_rows.incidents(session, desk, Asked(state="resolved")).rows == []
    at_length = incident_rows.incident(session, desk, 1)
    assert at_length is not None
    assert [(one["label"], one["confidence"]) for one in at_length["likely_changes"]] == [("#812", "high")]  # type: ignore[attr-defined]
    assert incident_rows.incident(session, desk, 99) is None
    lines = incident_rows.timeline_of(session, desk, 1)
    assert lines is not None
    assert [line["kind"] for line in lines[:2]] == ["alert", "act"]
    assert incident_rows.timeline_of(session, desk, 99) is None
    here.at = 13
    figures = incident_rows.metrics(session, here.desk, None, None, 30)
    assert figures["paging"] == [
        {"team": "bakers", "pages": 2, "right": 0, "wrong": 0, "unjudged": 2, "precision": None}
    ]
