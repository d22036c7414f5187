"""What ``shipmate doctor`` finds of the systems that tell of alerts: which of them prove to be themselves."""

from __future__ import annotations

from collections.abc import Collection

from bot.cli.findings import Finding, Health
from bot.settings import SOURCES as NAMED
from bot.settings import Settings
from handlers import webhooks

SOURCES = ("alertmanager", "grafana", "datadog", "sentry", "pagerduty", "generic", "launchdarkly")
"""Those that tell of alerts and of flags."""


def alert_sources(settings: Settings, insecure: Collection[str]) -> list[Finding]:
    """Which sources have a secret, and which are taken at their word (``insecure``)."""
    proven = [source for source in SOURCES if settings.webhook_secret(source) is not None]
    trusted = [source for source in SOURCES if source in insecure and source not in proven]
    findings = []
    if proven:
        findings.append(Finding("alert sources", Health.GOOD, f"with a secret: {', '.join(proven)}"))
    if trusted:
        mend = f"Set {trusted[0].upper()}_WEBHOOK_SECRET, and take it out of sources in shipmate.yml."
        findings.append(Finding("alert sources", Health.NOTE, f"taken at their word: {', '.join(trusted)}", mend))
    if not proven and not trusted:
        mend = "Set <SOURCE>_WEBHOOK_SECRET for what watches your services; the README says where to click."
        said = "none has a secret, so alerts come by the API alone"
        findings.append(Finding("alert sources", Health.NOTE, said, mend))
    if settings.pagerduty_api_key is not None and settings.webhook_secret("pagerduty") is None:
        mend = "Make a webhook (v3) in PagerDuty and set PAGERDUTY_WEBHOOK_SECRET."
        said = "nobody's answer to a page is heard: its webhooks are not taken"
        findings.append(Finding("PagerDuty webhooks", Health.NOTE, said, mend))
    unheard = [source for source in NAMED if source not in webhooks.SOURCES and settings.webhook_secret(source)]
    if unheard:
        said = f"with a secret, but not heard yet: {', '.join(unheard)}"
        mend = "Their pipelines can report with shipmate record, or POST /api/v1/deploys and /alerts."
        findings.append(Finding("webhooks", Health.NOTE, said, mend))
    return findings
