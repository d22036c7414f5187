"""What ``shipmate doctor`` looks at for promotions: whether each service's way to its environments is set up."""

from __future__ import annotations

from bot.catalog import Service
from bot.cli.findings import Finding, Health
from bot.errors import GiveUp, OutgoingError
from bot.wiring import Wired


async def pipelines(wired: Wired) -> list[Finding]:
    """One line for each service that is promoted, or for each thing it lacks; nothing is called but to read."""
    found = []
    for service in wired.bot.catalog.services.values():
        if service.promote_through is not None and len(service.environments) > 1:
            found += await _way_of(service, wired)
    return found


async def _way_of(service: Service, wired: Wired) -> list[Finding]:
    assert service.promote_through is not None
    way, ahead = service.promote_through, service.environments[1:]
    subject = f"{service.name} through {way}"
    try:
        lacks = await wired.pipelines.ways[way].missing(service.name, service.repo, ahead)
    except GiveUp as fault:
        return [Finding(subject, Health.FAULT, fault.code, fault.mend)]
    except OutgoingError as fault:
        return [Finding(subject, Health.FAULT, str(fault), "Try again in a moment.")]
    if not lacks:
        return [Finding(subject, Health.GOOD, f"ready to promote to {' and '.join(ahead)}")]
    return [Finding(subject, Health.FAULT, one.said, one.mend) for one in lacks]
