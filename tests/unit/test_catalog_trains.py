"""Trains in shipmate.yml: what each key means, what is refused and how it is mended, and who needs a train."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import jsonschema
import pytest
import yaml

from bot.catalog import (
    Catalog,
    CatalogError,
    Conductors,
    OnFailure,
    Ready,
    Train,
    TrainApproval,
    Turns,
    catalog_schema,
    load_catalog,
)
from bot.gates import DEFAULT_GATES, Health, Lock
from bot.gates import Train as TrainGate

SERVICES = """\
timezone: Europe/Paris
people: [{slack: U0DEE, github: dee-marsh, name: Dee}]
services:
  cart: {environments: [staging, production], gates: [lock]}
  checkout: {environments: [staging, production]}
  search: {environments: [staging, production], gates: [train, health]}
  ledger: {environments: [staging, production], gates: [lock]}
trains:
"""

WHOLE = """\
  web:
    services: [cart, checkout, search]
    to: production
    departs: ["0 10,14 * * mon-fri", "DTSTART:20260105T170000\\nRRULE:FREQ=WEEKLY;BYDAY=TU,TH"]
    timezone: America/New_York
    channel: releases
    boarding_closes: 15m
    capacity: 20
    stages: [[cart], [checkout, search]]
    conductors: {rota: [U0CHI, U0DEE], turns: week, backup: U0EVE}
    approval: batch
    ready: required
    on_failure: continue
    late_by: 0m
    decide_within: 1h
"""


def catalog(tmp_path: Path, trains: str) -> Catalog:
    """The catalogue of four services with these trains."""
    file = tmp_path / "shipmate.yml"
    file.write_text(SERVICES + trains)
    return load_catalog(file, default_channel="#deploys")


def told(tmp_path: Path, trains: str) -> list[str]:
    """The faults of these trains: their line, counted from the first train, and what is said after ``trains.``."""
    with pytest.raises(CatalogError) as refused:
        catalog(tmp_path, trains)
    first = SERVICES.count("\n")
    return [
        f"{fault.line - first} {fault.key.removeprefix('trains.')}: {fault.message}" for fault in refused.value.found
    ]


def test_every_key_of_a_train_is_read(tmp_path: Path) -> None:
    """And the schema, which editors complete by, knows them all."""
    train = catalog(tmp_path, WHOLE).trains["web"]
    assert train.zone.key == "America/New_York"
    assert train == Train(
        name="web",
        services=("cart", "checkout", "search"),
        to="production",
        departs=("0 10,14 * * mon-fri", "DTSTART:20260105T170000\nRRULE:FREQ=WEEKLY;BYDAY=TU,TH"),
        zone=train.zone,
        channel="#releases",
        boarding_closes=timedelta(minutes=15),
        capacity=20,
        stages=(("cart",), ("checkout", "search")),
        conductors=Conductors(rota=("U0CHI", "U0DEE"), turns=Turns.WEEK, backup="U0EVE"),
        approval=TrainApproval.BATCH,
        ready=Ready.REQUIRED,
        on_failure=OnFailure.CONTINUE,
        late_by=timedelta(0),
        decide_within=timedelta(hours=1),
    )
    schema = catalog_schema()
    jsonschema.Draft202012Validator(schema).validate(yaml.safe_load(SERVICES + WHOLE))
    assert schema["$defs"]["TrainShape"]["properties"].keys() == yaml.safe_load(WHOLE)["web"].keys()


def test_what_a_train_does_not_say_has_its_documented_value(tmp_path: Path) -> None:
    """All ship together at departure, nobody is asked, a failure stops it."""
    text = "  web: {services: [cart, checkout], to: production, departs: 0 9 * * *, conductors: {rota: '@conductors'}}"
    train = catalog(tmp_path, text).trains["web"]
    assert (train.departs, train.zone.key, train.channel) == (("0 9 * * *",), "Europe/Paris", None)
    assert train.stages == (("cart", "checkout"),)
    assert train.conductors == Conductors(rota=("@conductors",), turns=Turns.DEPARTURE, backup=None)
    assert (train.boarding_closes, train.capacity, train.ready) == (timedelta(0), None, None)
    assert (train.approval, train.on_failure) == (TrainApproval.EACH, OnFailure.HOLD)
    assert (train.late_by, train.decide_within) == (timedelta(minutes=30), timedelta(minutes=30))


@pytest.mark.parametrize(
    ("written", "stages"),
    [
        ("[cart, checkout]", (("cart",), ("checkout",))),
        ("[[checkout], cart]", (("checkout",), ("cart",))),
        ("[[checkout, cart]]", (("checkout", "cart"),)),
    ],
)
def test_a_stage_of_one_needs_no_brackets(tmp_path: Path, written: str, stages: tuple[tuple[str, ...], ...]) -> None:
    """Its name says enough."""
    text = f"  web: {{services: [cart, checkout], to: production, departs: 0 9 * * *, stages: {written}}}"
    assert catalog(tmp_path, text).trains["web"].stages == stages


def test_a_rule_may_be_written_over_several_lines(tmp_path: Path) -> None:
    """As calendars write it."""
    text = """\
  web:
    services: [cart]
    to: production
    departs: |
      DTSTART:20260105T100000
      RRULE:FREQ=DAILY
"""
    assert catalog(tmp_path, text).trains["web"].departs == ("DTSTART:20260105T100000\nRRULE:FREQ=DAILY",)


def test_the_train_of_a_service_is_found_whatever_its_case(tmp_path: Path) -> None:
    """And only for where it goes."""
    found = catalog(tmp_path, WHOLE)
    assert found.train_of("cart", "production") is found.train_of("Cart", "PRODUCTION") is found.trains["web"]
    assert found.train_of("cart", "staging") is None
    assert found.train_of("ledger", "production") is None
    assert found.train_of("unheard-of", "production") is None


def test_a_service_that_a_train_carries_has_the_gate_for_it(tmp_path: Path) -> None:
    """After its own, or where its policy names it; nobody else has it."""
    found = catalog(tmp_path, WHOLE)
    assert found.service("cart").gates == (Lock(), TrainGate())
    assert found.service("checkout").gates == (*DEFAULT_GATES, TrainGate())
    assert found.service("search").gates == (TrainGate(), Health())
    assert found.service("ledger").gates == (Lock(),)
    assert found.service("unheard-of").gates == DEFAULT_GATES


ROTA = (
    'expected member ids such as [U02ABCDEF, U02BCDEFG], one Slack user group such as "@conductors", '
    "or one PagerDuty schedule"
)
RULE = "expected DTSTART:20260105T100000 and, on the next line, RRULE:FREQ=WEEKLY;BYDAY=TU,TH"
MEMBER = "expected a Slack member id such as U02ABCDEF (in Slack: the profile → ⋮ → Copy member ID)"
ALONE = "says itself whose turn it is; let it stand alone, or name member ids in turn"
CRON = 'expected minute, hour, day, month and weekday, such as "0 10,14 * * mon-fri"'


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ("departs: 0 10 * *", f"departs: {CRON}"),
        ("departs: [0 9 * * *, noon]", f"departs: {CRON}"),
        ("departs: []", "departs: expected at least one time to depart"),
        ("departs: RRULE:FREQ=DAILY", f"departs: {RULE}"),
        (
            "departs: DTSTART:20260105T100000 RRULE:FREQ=DAILY;EXDATE=20260105T100000",
            f"departs: {RULE}; “EXDATE=20260105T100000” is no part of a rule",
        ),
        (
            "departs: DTSTART:20260105T100000 RRULE:FREQ=DAILY;UNTIL=20250101T100000",
            "departs: names a day that never comes",
        ),
        (
            "timezone: Europe/Pariss",
            "timezone: expected a time zone such as Europe/Paris; did you mean “Europe/Paris”?",
        ),
        (
            "channel: a b",
            'channel: expected a channel such as "#deploys" (no capitals, spaces or full stops) or its id',
        ),
        ("capacity: 0", "capacity: must be at least 1"),
        ("late_by: soon", "late_by: expected a duration such as 10s, 30m, 4h or 1h30m"),
        ("on_failure: rollbak", "on_failure: expected hold, rollback or continue; did you mean “rollback”?"),
        ("approval: all", "approval: expected each or batch"),
        ("ready: yes", "ready: expected ask or required"),
        ("decide_witin: 30m", "decide_witin: unknown key; did you mean “decide_within”?"),
        ("stages: []", "stages: must not be empty"),
        ("stages: [[cart]]", "stages: do not name checkout; each service of the train ships in one stage"),
        (
            "stages: [cart, [checkout, cart]]",
            "stages[1][1]: names “cart” again; each service of the train ships in one stage",
        ),
        (
            "stages: [cart, chekout, checkout]",
            "stages[1]: “chekout” is not one of the train's services; did you mean “checkout”?",
        ),
        ("stages: [cart, checkout, ledger]", "stages[2]: “ledger” is not one of the train's services"),
        ("conductors: U0DEE", "conductors: expected keys and values, one to a line and indented"),
        ("conductors: {backup: U0DEE}", "conductors.rota: is missing"),
        ("conductors: {rota: []}", "conductors.rota: expected at least one name"),
        ("conductors: {rota: [U0CHI], turn: day}", "conductors.turn: unknown key; did you mean “turns”?"),
        (
            "conductors: {rota: [U0CHI], turns: dayly}",
            "conductors.turns: expected departure, day or week; did you mean “day”?",
        ),
        ("conductors: {rota: Chi}", f"conductors.rota: “Chi” is nobody: {ROTA}"),
        ("conductors: {rota: [U0CHI, dee]}", f"conductors.rota[1]: “dee” is nobody: {ROTA}; did you mean “U0DEE”?"),
        (
            "conductors: {rota: '@dee-marsh x'}",
            f"conductors.rota: “@dee-marsh x” is nobody: {ROTA}; did you mean “U0DEE”?",
        ),
        (
            "conductors: {rota: [U0CHI, PSCHED1]}",
            f"conductors.rota[1]: “PSCHED1” {ALONE}",
        ),
        (
            "conductors: {rota: [U0CHI], backup: U0CHI}",
            "conductors.backup: is the only conductor already; name somebody else, or leave it out",
        ),
        (
            "conductors: {rota: [U0CHI], backup: chi}",
            f"conductors.backup: {MEMBER}",
        ),
    ],
)
def test_a_fault_of_a_train_is_told_with_its_line_its_place_and_its_mend(
    tmp_path: Path, written: str, fault: str
) -> None:
    """One fault, one line, nothing else."""
    departs = "" if written.startswith("departs") else ", departs: 0 9 * * *"
    text = f"  web:\n    <<: {{services: [cart, checkout], to: production{departs}}}\n    {written}\n"
    assert told(tmp_path, text) == [f"3 web.{fault}"]


def test_a_service_goes_to_one_environment_with_one_train(tmp_path: Path) -> None:
    """Otherwise nobody could say with which; and two names that differ by capitals are one."""
    train = "{services: [%s], to: production, departs: 0 9 * * *}"
    text = f"  web: {train % 'cart, checkout'}\n  api: {train % 'ledger, cart'}\n  Web: {train % 'search'}\n"
    assert told(tmp_path, text) == [
        "2 api.services[1]: “cart” goes to production with the train “web” already",
        "3 Web: is the same name as “web”: capitals make no difference",
    ]


@pytest.mark.parametrize("name", ["the web", "web/api", "web?"])
def test_a_train_is_called_by_one_word(tmp_path: Path, name: str) -> None:
    """People type it, and it stands in the address of its calendar."""
    text = f"  {name}: {{services: [cart], to: production, departs: 0 9 * * *}}"
    expected = "expected one word of letters, digits, - and _, as people type it: /ship train web"
    assert told(tmp_path, text) == [f"1 {name}: {expected}"]
