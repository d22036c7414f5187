"""What is wrong where nobody looks: services in no catalogue, environments in no pipeline, calls without an answer."""

from __future__ import annotations

import pytest
from sqlmodel import Session

from bot.answers.dashboard import Board, board
from bot.answers.metrics import metrics
from bot.answers.oncall import on_call
from bot.answers.status import status
from bot.answers.views import StatusReply
from bot.catalog import Service
from bot.errors import UserError
from bot.events import AlertLevel, IncidentAct, IncidentActed
from bot.incidents.states import PageState
from bot.rendering import Renderer
from tests.unit.alarming import Alarms, alarms

NOWHERE = "https://slack.com/"


def shown(here: Alarms, service: str | None = None) -> Board:
    """The dashboard."""
    return board(here.session, here.desk, lambda room: NOWHERE + room, service=service)


def words(reply: StatusReply) -> str:
    """All that is said."""
    return str(Renderer().message("replies/status", reply, key="k"))


# --- services in no catalogue -------------------------------------------------------------------------------------


@pytest.fixture
def strange(sqlite_session: Session) -> Alarms:
    """An incident is open of a service that shipmate.yml names no more, and that was never deployed."""
    here = alarms(sqlite_session)
    here.at = 5
    kept, here.services = here.services, ()
    here.fires("Attic", "it leaks")
    here.services = kept
    return here


def test_a_service_with_an_open_incident_is_answered_for(strange: Alarms) -> None:
    """By name, and among all."""
    (one,) = status(strange.session, strange.desk, "attic").services
    assert (one.service, one.incident is not None, one.targets) == ("Attic", True, ())
    assert status(strange.session, strange.desk).services[0] == one
    assert on_call(strange.session, strange.desk, "attic").incident is not None
    assert metrics(strange.session, strange.desk, "attic", None).about == "Attic"
    with pytest.raises(UserError, match="I know no service “cellar”"):
        status(strange.session, strange.desk, "cellar")


def test_once_it_is_over_only_what_is_counted_is_told(strange: Alarms) -> None:
    """Its figures are listed for a month, and can be asked for as long."""
    strange.acts(IncidentAct.RESOLVE, text="Mended")
    strange.at = 6
    strange.over("Attic", "it leaks")
    with pytest.raises(UserError, match="I know no service “attic”"):
        status(strange.session, strange.desk, "attic")
    reply = metrics(strange.session, strange.desk, "attic", None)
    assert [(one.service, one.incidents) for one in reply.services] == [("Attic", 1)]
    assert shown(strange, "attic").asked.service == "Attic"


def test_the_dashboard_tells_of_an_incident_of_a_service_that_it_does_not_know(strange: Alarms) -> None:
    """Where nothing is asked for, and where it is; not where another one is."""
    assert shown(strange).wrong == 1
    assert [one.line.service for one in shown(strange).incidents] == ["Attic"]
    assert [one.line.service for one in shown(strange, "ATTIC").incidents] == ["Attic"]
    assert shown(strange, "checkout").incidents == ()
    with pytest.raises(UserError, match="I know no service “cellar”"):
        shown(strange, "cellar")


# --- environments in no pipeline ----------------------------------------------------------------------------------


def test_what_fires_outside_of_the_pipeline_is_told_with_the_service(sqlite_session: Session) -> None:
    """Each once: what an environment that is shown has stands there."""
    here = alarms(sqlite_session)
    here.at = 5
    for environment in ("pre-prod", "PRODUCTION", "staging", None):
        here.fires("checkout", f"slow in {environment}", environment=environment, level=AlertLevel.WARNING)
    reply = status(here.session, here.desk, "checkout")
    (one,) = reply.services
    assert [(placed.alert.name, placed.environment) for placed in one.elsewhere] == [("slow in pre-prod", "pre-prod")]
    told = {target.environment: [alert.name for alert in target.alerts] for target in one.targets}
    assert told == {"staging": ["slow in staging"], "production": ["slow in PRODUCTION", "slow in None"]}
    assert "slow in pre-prod fires in pre-prod since" in words(reply)
    every = {other.service: len(other.elsewhere) for other in status(here.session, here.desk).services}
    assert every == {"cart": 0, "checkout": 1, "mail": 0}


def test_all_that_fires_is_told_of_a_service_that_was_never_deployed(sqlite_session: Session) -> None:
    """No environment is shown of it."""
    here = alarms(sqlite_session)
    here.services = (*here.services, Service(name="attic", channel="#bakers"))
    for environment in ("production", None):
        here.fires("attic", f"leaks in {environment}", environment=environment, level=AlertLevel.WARNING)
    (one,) = status(here.session, here.desk, "attic").services
    assert [placed.environment for placed in one.elsewhere] == ["production", None]


# --- who did not answer -------------------------------------------------------------------------------------------


def test_who_was_called_and_did_not_answer_is_told_whoever_leads(sqlite_session: Session) -> None:
    """Until somebody is on it."""
    here = alarms(sqlite_session)
    here.at = 5
    here.fires()
    here.calls()
    here.turn(11)
    assert ("Dee", PageState.UNANSWERED) in [(name, state) for name, _, _, state in here.pages()]
    before = shown(here).incidents[0].line.called
    assert "Dee" in [page.person.name for page in before]
    assert before[-1].state is PageState.UNANSWERED
    event = IncidentActed(
        act=IncidentAct.LEAD, incident=here.incident().id, slack_id="U0BEN", called="Ben", at=here.now, who="U0DEE"
    )
    here.tell(event)
    (row,) = shown(here).incidents
    assert row.line.lead is not None
    assert [page.person.name for page in row.line.called] == [page.person.name for page in before]
