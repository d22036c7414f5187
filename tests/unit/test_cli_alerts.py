"""What the command line says of alerts: which sources prove to be themselves, and how labels are written."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from bot.cli import application
from bot.cli.examining_alerts import alert_sources
from bot.cli.findings import Health
from bot.cli.recording import labels_given
from bot.errors import UserError
from bot.settings import load_settings


def found(*insecure: str, **variables: str) -> list[tuple[str, str]]:
    """What the doctor says."""
    return [(one.health.value, one.said) for one in alert_sources(load_settings(variables, None), insecure)]


def test_the_doctor_names_the_sources_that_have_a_secret() -> None:
    """And those that are taken at their word."""
    assert found(SENTRY_WEBHOOK_SECRET="s" * 32, GRAFANA_WEBHOOK_SECRET="g" * 32) == [
        (Health.GOOD.value, "with a secret: grafana, sentry")
    ]
    assert found("generic", "gitlab", SENTRY_WEBHOOK_SECRET="s" * 32)[1] == ("note", "taken at their word: generic")


def test_the_doctor_says_where_nobody_tells_of_alerts_and_no_answer_is_heard() -> None:
    """Neither is a fault: the API may be all there is."""
    assert found(PAGERDUTY_API_KEY="k" * 20, PAGERDUTY_FROM="bot@example.com") == [
        ("note", "none has a secret, so alerts come by the API alone"),
        ("note", "nobody's answer to a page is heard: its webhooks are not taken"),
    ]


def test_the_doctor_says_which_secrets_are_of_no_use_yet() -> None:
    """Whoever set one would wait for what never comes."""
    assert found(SENTRY_WEBHOOK_SECRET="s" * 32, GITLAB_WEBHOOK_SECRET="g" * 32, CDEVENTS_WEBHOOK_SECRET="c" * 32) == [
        (Health.GOOD.value, "with a secret: sentry"),
        (Health.NOTE.value, "with a secret, but not heard yet: gitlab, cdevents"),
    ]


def test_labels_are_pairs() -> None:
    """The last one of a name stands; a value may hold an equals sign."""
    assert labels_given(["app=checkout", "query=a=b", "app = cart"]) == {"app": "cart", "query": "a=b"}
    assert labels_given(None) is None


@pytest.mark.parametrize("pair", ["app", "=checkout", "app=", ""])
def test_what_is_no_pair_is_refused_with_an_example(pair: str) -> None:
    """Before anybody is called."""
    with pytest.raises(UserError, match="app=checkout"):
        labels_given([pair])


def test_an_alerts_help_names_every_field() -> None:
    """With an example of one whose labels tell whose it is."""
    runner = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"})
    words = runner.invoke(application(), ["record", "alert", "--help"]).output
    for option in ("--level", "--summary", "--label", "--version", "--dashboard", "--runbook"):
        assert option in words
