"""What ``shipmate doctor`` looks at for PagerDuty: whether somebody can be woken, and in whose name."""

from __future__ import annotations

from bot.cli.findings import Finding, Health
from bot.errors import GiveUp, OutgoingError
from bot.settings import Settings
from bot.wiring import Wired

_FROM = "Make a PagerDuty user for Shipmate, and set PAGERDUTY_FROM to its address."


async def pager(settings: Settings, wired: Wired) -> list[Finding]:
    """Whether the key is good, and whether PagerDuty knows who opens incidents; nothing is called but to read."""
    if wired.pager is None:
        return []
    sender = settings.pagerduty_from
    if sender is None:
        return [Finding("PagerDuty", Health.FAULT, "PAGERDUTY_FROM is not set, so nobody can be woken", _FROM)]
    try:
        known = await wired.pager.user_by_email(sender)
    except GiveUp as fault:
        return [Finding("PagerDuty", Health.FAULT, fault.code, fault.mend)]
    except OutgoingError as fault:
        return [
            Finding(
                "PagerDuty", Health.FAULT, f"does not answer ({fault})", "Is PAGERDUTY_API_URL right, and the network?"
            )
        ]
    if known is None:
        return [Finding("PagerDuty", Health.FAULT, f"nobody there has the address {sender} (PAGERDUTY_FROM)", _FROM)]
    findings = [Finding("PagerDuty", Health.GOOD, f"incidents are opened in the name of {sender}, who is never woken")]
    if settings.pagerduty_routing_key is None:
        said = "deploys are not shown beside incidents"
        mend = "Set PAGERDUTY_ROUTING_KEY to the key of a service's Events API v2 integration."
        findings.append(Finding("PagerDuty", Health.NOTE, said, mend))
    return findings
