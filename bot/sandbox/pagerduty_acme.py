"""Acme's PagerDuty: everybody, the bot's own user, the payments policy (Dee, then Eve), its services, a schedule."""

from __future__ import annotations

import secrets
from datetime import datetime

from bot.sandbox.pagerduty_records import Account, Level, Policy, Schedule, Service, User

BOT_EMAIL = "shipmate@example.com"
_PEOPLE = (
    ("ana", "Ana Torres", "Europe/Paris"),
    ("ben", "Ben Okafor", "Europe/London"),
    ("chi", "Chi Nguyen", "America/New_York"),
    ("dee", "Dee Larsson", "Asia/Kathmandu"),
    ("eve", "Eve Moreau", "Australia/Lord_Howe"),
)


def acme_account(now: datetime) -> Account:
    """The account every story begins in."""
    account = Account()
    for key, name, zone in _PEOPLE:
        user = User(id=f"PU{key.upper()}", key=key, name=name, email=f"{key}@example.com", zone=zone)
        account.users[user.id] = user
    account.users["PUSHIPMATE"] = User(
        id="PUSHIPMATE", key="shipmate", name="Shipmate", email=BOT_EMAIL, role="limited_user"
    )
    dee, eve = account.user("dee"), account.user("eve")
    policy = Policy(id="PEPAYMENTS", name="Payments", levels=(Level(on_call=(dee,)), Level(on_call=(eve,))), loops=1)
    account.policies[policy.id] = policy
    for name in ("checkout", "cart", "ledger"):
        service = Service(
            id=f"PS{name.upper()}", name=name, policy=policy, routing_key=secrets.token_hex(16), created_at=now
        )
        account.services[service.id] = service
    account.schedules["PCONDUCTORS"] = Schedule(id="PCONDUCTORS", name="Conductors", on_shift=(account.user("chi"),))
    return account
