"""shipmate.yml is checked: every fault at once, with its line, its place and what may have been meant."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bot.catalog import CatalogError, catalog_schema, load_catalog

ROOT = Path(__file__).parents[2]

SERVICE = "services:\n  cart:\n    environments: [staging, production]\n    "

WHOLE = """\
timezone: Asia/Kathmandu
teams:
  baking: {channel: "#baking-deploys", approvers: "@bakers", escalation_policy: PBAKE}
services:
  oven:
    team: baking
    repo: bakery/oven
    paths: ["services/oven/**"]
    environments: [staging, production]
    promote_through: github-environment
    gates: [lock, freeze, order, {soak: 30m}, {smoke: [e2e]}, {batch: {changes: 5, lines: 800}},
            {approval: {count: 1, expires: 4h, groups: [{from: "@bakers", count: 1}, {from: [on-call, U0BO]}],
                        rollback_count: 0}}, health]
    compare_url: "https://graphs.example.com/d/1?old={{ previous.sha }}&new={{ deploy.sha }}"
    runbook: https://runbooks.example.com/oven
    alerts: {match: {service: oven}}
    pagerduty_service: POVEN
    depends_on: [flour]
    undo: 10s
people:
  - {slack: U0BO, github: bo, email: bo@example.com, pagerduty: PBO}
trains:
  bread: {services: [oven], to: production, departs: "0 10,14 * * mon-fri", boarding_closes: 15m, capacity: 20}
freezes:
  - {from: 2026-12-23T18:00, until: 2027-01-02T09:00, services: all, reason: Holidays}
paging: {window: 1h, mode: page, no_answer_after: 5m}
audiences:
  counter: {channel: "#counter", every: "0 17 * * mon-fri", only: {labels: [bug]}}
sources:
  alertmanager: {insecure: true}
"""


def told(tmp_path: Path, text: str | bytes) -> list[str]:
    """The faults found in a file of this content, without the file's name."""
    file = tmp_path / "shipmate.yml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    try:
        load_catalog(file, default_channel="#deploys")
    except CatalogError as error:
        return [fault.removeprefix(f"{file}:") for fault in error.faults]
    return []


def test_the_whole_shape_is_valid_from_the_start(tmp_path: Path) -> None:
    """Also a dependency on a service that the file does not name: unknown ones appear by themselves."""
    assert told(tmp_path, WHOLE) == []


def test_the_example_is_valid_and_shows_every_key() -> None:
    """What people copy must work, and show what there is."""
    text = (ROOT / "shipmate.example.yml").read_text(encoding="utf-8")
    assert load_catalog(ROOT / "shipmate.example.yml", default_channel="#deploys").services
    shapes = [catalog_schema(), *catalog_schema()["$defs"].values()]
    keys = {key for shape in shapes for key in shape.get("properties", {})}
    assert len(keys) > 40
    assert sorted(key for key in keys if not re.search(rf"\b{key}:", text)) == []


APPROVER = (
    'expected a Slack user group such as "@payments-leads", a member id such as U02ABCDEF, on-call or a login or '
    "e-mail address of people"
)
CHANNEL = 'expected a channel such as "#deploys" (no capitals, spaces or full stops) or its id'
CRON = 'expected minute, hour, day, month and weekday, such as "0 10,14 * * mon-fri"'
DURATION = "expected a duration such as 10s, 30m, 4h or 1h30m"
GLOB = 'expected paths from the repository\'s root, such as "services/checkout/**"'
GROUP = "gates[0].approval.groups[0]"
FROM_MISSING = f"{GROUP}.from: is missing"
GROUPS = ", ".join(["{from: U02A}"] * 11)
INSTANT = "expected a day and a time such as 2026-12-23T18:00"
MEMBER = "expected a Slack member id such as U02ABCDEF (in Slack: the profile → ⋮ → Copy member ID)"
MISSING = "needs a limit, for example {batch: {changes: 5}}"
UNITLESS = 'the unit is missing: "30m" is 30 minutes'
REPEATED = "names the same one twice (capitals make no difference)"
ZONE = "expected a time zone such as Europe/Paris; did you mean “Europe/Paris”?"
FROM, UNTIL = "2026-01-02T00:00", "2026-01-01T00:00"


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ("gatez: []", "gatez: unknown key; did you mean “gates”?"),
        ("gates: [lokc]", "gates[0].lokc: unknown gate; did you mean “lock”?"),
        ("gates:\n    - lock\n    - lock", "gates: names the gate lock twice"),
        ("gates: [soak]", "gates[0].soak: needs options, for example {soak: 30m}"),
        ("gates: [{soak: 30}]", f'gates[0].soak: {DURATION}; the unit is missing: "30m" is 30 minutes'),
        ("gates: [{lock: 5m}]", "gates[0].lock: takes no options; only name it"),
        ("gates: [{batch: {}}]", f"gates[0].batch: {MISSING}"),
        ("gates: [{batch: {change: 5}}]", "gates[0].batch.change: unknown key; did you mean “changes”?"),
        ("gates: [{smoke: []}]", "gates[0].smoke: expected at least one name"),
        ("gates: [{approval: {count: 0}}]", "gates[0].approval.count: must be at least 1"),
        ("gates: [{approval: {count: 99}}]", "gates[0].approval.count: must be at most 10"),
        ("gates: [{approval: {count: many}}]", "gates[0].approval.count: expected a whole number"),
        ("gates: [{approval: {rollback_count: -1}}]", "gates[0].approval.rollback_count: must be at least 0"),
        (
            "gates: [{approval: {rollbackcount: 1}}]",
            "gates[0].approval.rollbackcount: unknown key; did you mean “rollback_count”?",
        ),
        ("gates: [{approval: {expires: 4}}]", f"gates[0].approval.expires: {DURATION}; {UNITLESS}"),
        ("gates: [{approval: {groups: []}}]", "gates[0].approval.groups: must not be empty"),
        (f"gates: [{{approval: {{groups: [{GROUPS}]}}}}]", "gates[0].approval.groups: must have at most 10"),
        ("gates: [{approval: {groups: [{count: 1}]}}]", "gates[0].approval.groups[0].from: is missing"),
        ("gates: [{approval: {groups: [{from: []}]}}]", "gates[0].approval.groups[0].from: expected at least one name"),
        (
            "gates: [{approval: {groups: [{form: U02A}]}}]",
            ["gates[0].approval.groups[0].form: unknown key; did you mean “from”?", FROM_MISSING],
        ),
        (
            "gates: [{approval: {groups: [{from: [U02A, U02B], count: 11}]}}]",
            [f"{GROUP}.count: must be at most 10", f"{GROUP}.count: asks for 11 people where 2 can be one of them"],
        ),
        (
            "gates: [{approval: {groups: [{from: [U02A, u02a@example.com], count: 2}]}}]",
            f"{GROUP}.from[1]: “u02a@example.com” is nobody: {APPROVER}",
        ),
        (
            "gates: [{approval: {groups: [{from: payments-leads}]}}]",
            f"{GROUP}.from: “payments-leads” is nobody: {APPROVER}",
        ),
        (
            "gates: [{approval: {groups: [{from: oncall}]}}]",
            f"{GROUP}.from: “oncall” is nobody: {APPROVER}; did you mean “on-call”?",
        ),
        (
            "gates: [{approval: {groups: [{from: on-call}]}}]",
            f"{GROUP}.from: on-call needs a pagerduty_service, and “cart” names none",
        ),
        (
            "gates: [{approval: {groups: [{from: U02A, count: 2}]}}]",
            f"{GROUP}.count: asks for 2 people where 1 can be one of them",
        ),
        ("gates: lock", "gates: expected a list, such as [one, two]"),
        ("team: x", "team: there is no team “x” under teams"),
        ("repo: https://github.com/a/b", "repo: expected owner/name, such as acme/checkout, without https:// or .git"),
        ("undo: soon", f"undo: {DURATION}"),
        ("paths: [/a]", f"paths[0]: {GLOB}"),
        ("supersede: allways", "supersede: expected never or always; did you mean “always”?"),
        ("runbook: example.com", "runbook: expected an address that begins with https:// (or http://)"),
        ("runbook: 'http://['", "runbook: expected an address that begins with https:// (or http://)"),
        ("depends_on: [cart]", "depends_on[0]: a service cannot depend on itself"),
        ("alerts: {match:}", "alerts.match: has no value; give it one, or remove the key"),
    ],
)
def test_a_fault_of_a_service_is_told_with_its_line_its_place_and_its_mend(
    tmp_path: Path, written: str, fault: str | list[str]
) -> None:
    """One fault, one line, nothing else."""
    faults = [fault] if isinstance(fault, str) else fault
    assert told(tmp_path, SERVICE + written) == [f"4: services.cart.{one}" for one in faults]


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ("teamz: {}", "teamz: unknown key; did you mean “teams”?"),
        (
            "paging: {zzz: 1}",
            "paging.zzz: unknown key; known here: mode, no_answer_after, opens_at, outside_hours, window",
        ),
        ("services: {a: {environments: []}}", "services.a.environments: must not be empty"),
        ("services: {a: {environments: [x, X]}}", f"services.a.environments: {REPEATED}"),
        ("services: {a: 3}", "services.a: expected keys and values, one to a line and indented"),
        ("services: {a: {}, A: {}}", "services.A: is the same name as “a”: capitals make no difference"),
        ('services: {"": {}}', "services.: expected a name"),
        ("timezone: Europe/Pariss", f"timezone: {ZONE}"),
        ("teams: {a: {}}", "teams.a.channel: is missing"),
        ('teams: {a: {channel: "#A B"}}', f"teams.a.channel: {CHANNEL}"),
        ("people: [github: ana, github: Ana]", "people[1].github: is already that of people[0]"),
        (
            'teams: {a: {channel: "#a", approvers: bo}}',
            f"teams.a.approvers: “bo” is nobody: {APPROVER}",
        ),
        (
            'teams: {a: {channel: "#a", approvers: [U02A, on-call]}}\nservices: {b: {team: a}}',
            "teams.a.approvers[1]: on-call needs a pagerduty_service, and “b” of this team names none",
        ),
        (
            'teams: {a: {channel: "#a", members: on-call}}',
            f"teams.a.members: “on-call” is nobody: {APPROVER.replace(', on-call', '')}",
        ),
        ("people: [{name: Ana}]", "people[0]: needs at least one of slack, github, email or pagerduty"),
        ("people: [{slack: ana}]", f"people[0].slack: {MEMBER}"),
        ("people: [{github: a b}]", "people[0].github: expected a GitHub login, such as ana"),
        ("people: [{email: ana}]", "people[0].email: expected an e-mail address, such as ana@example.com"),
        ("paging: {mode: loud}", "paging.mode: expected page, shadow or off"),
        ("sources: {gitlub: {}}", "sources.gitlub: no system sends webhooks under this name; did you mean “gitlab”?"),
        ("sources: {gitlab: {insecure: perhaps}}", "sources.gitlab.insecure: expected true or false"),
        (f"freezes: [{{from: {FROM}, until: {UNTIL}, reason: x}}]", "freezes[0].until: is not after its beginning"),
        (f"freezes: [{{from: 2026-01-01, until: {FROM}, reason: x}}]", f"freezes[0].from: {INSTANT}"),
        (
            "freezes: [{from: 0001-01-01T00:00, until: 2026-01-02T00:00, reason: x}]",
            "freezes[0].from: expected a year from 1970 to 9998",
        ),
        (f"freezes: [{{from: 2026-13-01T00:00, until: {FROM}, reason: x}}]", f"freezes[0].from: {INSTANT}"),
        (
            f"freezes: [{{from: {UNTIL}, until: {FROM}, services: [a], reason: x}}]",
            "freezes[0].services[0]: there is no service “a” under services",
        ),
        ('audiences: {a: {channel: "#a", every: "0 0 32 2 *"}}', f"audiences.a.every: {CRON} (bad day-of-month)"),
        ('audiences: {a: {channel: "#a", every: "0 0 30 13 *"}}', f"audiences.a.every: {CRON} (bad month)"),
        (
            'audiences: {a: {channel: "#a", every: "0 9 30 2 *"}}',
            (
                "audiences.a.every: names a day that never comes: month 2 has no day 30. "
                'The last day of a month is L, as in "0 9 L 2 *"'
            ),
        ),
        (
            'audiences: {a: {channel: "#a", every: "0 0 */31 * mon#5"}}',
            "audiences.a.every: names a day that never comes",
        ),
        ('audiences: {a: {channel: "#a", every: "* * * * * *"}}', f"audiences.a.every: {CRON}"),
        (
            'audiences: {a: {channel: "#a", every: "0 9 * * *", only: {services: b}}}',
            "audiences.a.only.services: there is no service “b” under services",
        ),
    ],
)
def test_a_fault_is_told_with_its_line_its_place_and_its_mend(tmp_path: Path, written: str, fault: str) -> None:
    """One fault, one line, nothing else."""
    assert told(tmp_path, f"# policy\n{written}") == [f"2: {fault}"]


def test_people_of_the_catalogue_approve_by_login_or_address_whatever_its_case(tmp_path: Path) -> None:
    """And a word that is nearly one of theirs is taken for it."""
    text = (
        "people: [{github: '@Dee-Marsh', email: Eve@example.com, slack: U02A}]\n"
        'teams: {a: {channel: "#a", approvers: [dee-marsh, eve@Example.com, "@leads", W02B], members: "@all"}}\n'
        "services:\n  cart:\n    gates:\n    - approval:\n        groups:\n        - from: [dee-marsh]\n"
    )
    assert told(tmp_path, text) == []
    assert told(tmp_path, f"{text}        - from:\n          - dee-mash\n") == [
        f"10: services.cart.{GROUP[:-2]}1].from[0]: “dee-mash” is nobody: {APPROVER}; did you mean “Dee-Marsh”?"
    ]


def test_whoever_is_on_call_can_be_asked_where_somebody_is(tmp_path: Path) -> None:
    """Gates that are inherited ask every service that has none of its own."""
    text = (
        "defaults:\n  gates: [{approval: {groups: [{from: on-call}]}}]\n"
        "services:\n  a: {pagerduty_service: PA}\n  b: {}\n  c: {gates: [lock]}\n"
    )
    assert told(tmp_path, text) == [
        "5: services.b: needs a pagerduty_service: the gates under defaults ask for a yes of whoever is on call"
    ]


@pytest.mark.parametrize(
    ("to", "fault"),
    [
        ("prodcution", "“cart” has no environment “prodcution”; did you mean “production”?"),
        ("moon", "“cart” has no environment “moon”; it has staging, production"),
        ("staging", "“staging” is the first environment of “cart”: nothing comes before"),
    ],
)
def test_a_train_goes_where_its_services_go(tmp_path: Path, to: str, fault: str) -> None:
    """A timetable that can never be kept is no timetable."""
    text = f'{SERVICE}\ntrains:\n  t: {{services: [cart], to: {to}, departs: "0 9 * * *"}}'
    assert told(tmp_path, text) == [f"6: trains.t.to: {fault}"]


def test_a_train_carries_services_that_exist_and_have_environments(tmp_path: Path) -> None:
    """Both faults are on the passenger, not on the train."""
    text = "services: {a: {}}\ntrains:\n  t:\n    services:\n    - a\n    - b\n    to: x\n    departs: 0 9 * * *"
    assert told(tmp_path, text) == [
        "5: trains.t.services[0]: “a” has no environments, so no train can carry it",
        "6: trains.t.services[1]: there is no service “b” under services",
    ]


def test_a_dependency_is_refused_only_where_it_looks_misspelt(tmp_path: Path) -> None:
    """A service that the file does not name may exist; one letter away from one that it names, it does not."""
    text = "services:\n  ledger: {}\n  cart: {depends_on: [ledgr, mainframe]}"
    (fault,) = told(tmp_path, text)
    assert fault.startswith("3: services.cart.depends_on[0]: there is no service “ledgr”")
    assert "did you mean “ledger”?" in fault


def test_services_that_depend_on_each_other_in_a_circle_are_refused_once(tmp_path: Path) -> None:
    """None of them could come first; two that need the same third are no circle."""
    text = (
        "services:\n  a: {depends_on: [b]}\n  b: {depends_on: [c, d]}\n  c: {depends_on: [a, d]}\n  d: {}\n"
        "  e: {depends_on: [a, d]}"
    )
    assert told(tmp_path, text) == [
        "2: services.a.depends_on: goes round in a circle: a → b → c → a. One of them must do without another"
    ]


def test_promotion_needs_two_environments_also_where_they_are_inherited(tmp_path: Path) -> None:
    """Nothing can be promoted into the only environment there is."""
    text = "defaults: {promote_through: webhook}\nservices:\n  cart: {environments: [production]}"
    assert told(tmp_path, text) == [
        "3: services.cart.environments: one environment leaves nothing to promote to; name at least two, in order"
    ]


@pytest.mark.parametrize(
    ("address", "fault"),
    [
        (
            "https://x/{{ deplo.sha }}",
            "nothing is called deplo here; known are deploy, previous, service and environment; did you mean “deploy”?",
        ),
        (
            "https://x/{{ deploy.shaa }}",
            "nothing is called deploy.shaa here; known is deploy.sha and deploy.began_at; did you mean “deploy.sha”?",
        ),
        (
            "https://x/{{ previous.began_at }}",
            "nothing is called previous.began_at here; known is previous.sha; did you mean “previous.sha”?",
        ),
        ("https://x/{{ deploy.sha ", "is no template: unexpected end of template, expected 'end of print statement'."),
        ("ftp://x/{{ deploy.sha }}", "expected an address that begins with https:// (or http://)"),
    ],
)
def test_a_dashboard_address_is_tried_before_anybody_needs_it(tmp_path: Path, address: str, fault: str) -> None:
    """At three in the morning is too late."""
    assert told(tmp_path, f'{SERVICE}compare_url: "{address}"') == [f"4: services.cart.compare_url: {fault}"]


def test_faults_of_form_and_of_reference_are_told_together_in_the_order_of_the_file(tmp_path: Path) -> None:
    """Nobody mends one fault to be shown the next."""
    text = "teams:\n  a: {}\nservices:\n  cart:\n    team: b\n    undo: soon\n    team: c\nfoo: 1\n"
    assert [fault.partition(": ")[0] + " " + fault.split(": ")[1] for fault in told(tmp_path, text)] == [
        "2 teams.a.channel",
        "5 services.cart.team",
        "6 services.cart.undo",
        "7 services.cart.team",
        "8 foo",
    ]


def test_a_key_written_twice_is_refused(tmp_path: Path) -> None:
    """YAML itself would silently keep the last one."""
    assert told(tmp_path, "timezone: UTC\nteams: {}\ntimezone: Europe/Paris") == [
        "3: timezone: is written twice, first on line 1"
    ]


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ("a: [", "1: is not YAML: expected the node content, but found '<stream end>'"),
        ("teams:\n\ta: 1", "2: is not YAML: lines are indented with spaces, never with tabs"),
        ("a: 1\n---\nb: 2", "2: is not YAML: but found another document"),
        (b"\xff\xfe\xfa", "1: is not a text file in UTF-8"),
        ("[" * 5000, "1: is nested too deeply to be read"),
        ("- a", "1: expected keys and values, one to a line and indented"),
        ("? [a]\n: b", "1: a key must be a word"),
        ("timezone: !secret UTC", "1: timezone: tags (!secret) are not used here; write the value itself"),
        ("x-a: &a [*a]", "1: x-a[0]: this alias contains itself"),
        (
            "teams:\n  a:\n    <<: 3\n    channel: '#a'",
            "3: teams.a.<<: only a mapping can be merged, such as <<: *name",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_told_like_any_other_fault(
    tmp_path: Path, written: str | bytes, fault: str
) -> None:
    """Whatever somebody saves under this name, the answer is a sentence."""
    assert fault in told(tmp_path, written)


def test_a_file_built_to_exhaust_memory_is_refused(tmp_path: Path) -> None:
    """Nine lines of aliases can stand for a thousand million values."""
    text = "x-0: &a0 [y, y, y, y, y, y, y, y, y, y]\n"
    text += "".join(f"x-{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))
    (fault,) = told(tmp_path, text)
    assert "too large to be read" in fault


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    """An explicit path means that a file was expected."""
    with pytest.raises(CatalogError, match="cannot be read: no such file or directory"):
        load_catalog(tmp_path / "shipmate.yml", default_channel="#deploys")


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "{}", "teams:\n", "---\n"])
def test_an_empty_file_is_an_empty_catalogue(tmp_path: Path, text: str) -> None:
    """Somebody begins with it."""
    assert told(tmp_path, text) == []


def test_words_that_yaml_takes_for_something_else_stay_words(tmp_path: Path) -> None:
    """``no`` is a country, ``on`` a label, 012 a name and 1e3 a login."""
    file = tmp_path / "shipmate.yml"
    file.write_text(
        "teams: {no: {channel: '#no'}}\nservices: {012: {team: no, paging: off, alerts: {match: {on: yes}}}}\n"
        "people: [{github: 1e3}]"
    )
    catalog = load_catalog(file, default_channel="#deploys")
    service = catalog.service("012")
    assert service.known
    assert service.team is not None
    assert service.team.name == "no"
    assert service.paging == "off"
    assert service.alerts == {"on": "yes"}
    assert catalog.person_by_github("1E3") is not None


def test_anchors_and_merges_share_what_services_have_in_common(tmp_path: Path) -> None:
    """What a service says itself wins over what it merges."""
    file = tmp_path / "shipmate.yml"
    file.write_text(
        "x-common: &common\n  environments: [staging, production]\n  undo: 5s\n"
        "services:\n  cart: {<<: *common, undo: 7s}\n  oven: {<<: [*common, {repo: bakery/oven}]}\n"
    )
    catalog = load_catalog(file, default_channel="#deploys")
    assert catalog.service("cart").undo.total_seconds() == 7
    assert catalog.service("cart").environments == ("staging", "production")
    assert catalog.service("oven").repo == "bakery/oven"


def test_a_fault_in_what_is_merged_is_told_where_it_is_written(tmp_path: Path) -> None:
    """Not where it is used: there is nothing to mend there."""
    text = "x-common: &common\n  undo: soon\nservices:\n  cart:\n    <<: *common\n"
    (fault,) = told(tmp_path, text)
    assert fault.startswith("2: services.cart.undo: expected a duration")


def test_the_schema_is_a_schema_and_takes_what_the_check_takes() -> None:
    """Editors and the check must not contradict each other."""
    schema = catalog_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for text in (WHOLE, (ROOT / "shipmate.example.yml").read_text(encoding="utf-8"), "x-free: {a: [1]}"):
        content: Any = yaml.safe_load(text)
        assert list(validator.iter_errors(content)) == []


@pytest.mark.parametrize(
    "text",
    [
        "gatez: 1",
        "services: {a: {gatez: []}}",
        "services: {a: {gates: [lokc]}}",
        "services: {a: {gates: [soak]}}",
        "services: {a: {gates: [{soak: 30m, lock: null}]}}",
        "services: {a: {gates: [{approval: {groups: [{count: 1}]}}]}}",
        "services: {a: {gates: [{approval: {groups: [{from: []}]}}]}}",
        "services: {a: {gates: [{approval: {rollback_count: -1}}]}}",
        "services: {a: {undo: soon}}",
        "services: {a: {promote_through: pigeon}}",
        "teams: {a: {}}",
        "trains: {t: {services: [], to: p, departs: x}}",
    ],
)
def test_the_schema_refuses_what_the_check_refuses(tmp_path: Path, text: str) -> None:
    """As far as a schema can know."""
    assert not jsonschema.Draft202012Validator(catalog_schema()).is_valid(yaml.safe_load(text))
    assert told(tmp_path, text)


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda data: data.decode("latin-1")))
def test_whatever_is_written_the_answer_is_a_catalogue_or_its_faults(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    """Never a traceback."""
    told(tmp_path_factory.getbasetemp(), text.encode("utf-8", "surrogatepass"))


YAMLS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "teams",
                    "services",
                    "people",
                    "trains",
                    "freezes",
                    "gates",
                    "only",
                    "channel",
                    "repo",
                    "a",
                    "soak",
                    "match",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(
    st.dictionaries(st.sampled_from(["teams", "services", "people", "trains", "freezes", "paging", "sources"]), YAMLS)
)
def test_whatever_stands_under_a_known_key_is_judged(
    tmp_path_factory: pytest.TempPathFactory, content: dict[str, object]
) -> None:
    """Every fault has a line of the file; values of any form are answered."""
    text = yaml.safe_dump(content)
    for fault in told(tmp_path_factory.getbasetemp(), text):
        assert 1 <= int(fault.partition(":")[0]) <= text.count("\n") + 1
