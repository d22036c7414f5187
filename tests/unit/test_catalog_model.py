"""What the catalogue answers: which service, which environment, whose paths, which person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.catalog import (
    Catalog,
    PagingMode,
    PromoteThrough,
    Service,
    Supersede,
    load_catalog,
)
from bot.catalog.globs import glob_pattern
from bot.gates import (
    DEFAULT_GATES,
    Approval,
    Batch,
    Freeze,
    Group,
    Health,
    Lock,
    Order,
    Smoke,
    Soak,
    Train,
    Unbuilt,
)
from bot.gates.options import duration

MONOREPO = """\
teams:
  bakers: {channel: "#bakers"}
services:
  web: {team: bakers, repo: Bakery/Shop, environments: [staging, Production], paths: ["apps/web/**"]}
  web-api: {repo: bakery/shop, environments: [staging, Production]}
  worker: {repo: bakery/shop}
  batch: {repo: bakery/shop, environments: [night]}
  Oven: {repo: bakery/oven, environments: [Test, Live]}
  till: {}
"""


def catalog(tmp_path: Path, text: str) -> Catalog:
    """The catalogue that this text describes."""
    file = tmp_path / "shipmate.yml"
    file.write_text(text)
    return load_catalog(file, default_channel="#deploys")


def test_without_a_file_every_service_has_the_default_policy() -> None:
    """Announced in the default channel, and nothing else."""
    found = load_catalog(None, default_channel="#ship")
    service = found.service("Anything")
    assert (service.name, service.channel, service.known, service.environments) == ("Anything", "#ship", False, ())
    assert service.promote_through is None
    assert found.services == {}
    assert found.timezone.key == "UTC"


def test_a_service_is_found_whatever_its_case_and_keeps_its_own_spelling(tmp_path: Path) -> None:
    """GitHub, Slack and people do not agree on capitals."""
    found = catalog(tmp_path, MONOREPO)
    assert found.service("oven") is found.services["Oven"]
    assert found.service("WEB").channel == "#bakers"
    assert found.service("WEB-API").channel == "#deploys"


def test_the_services_of_a_repository_are_those_that_say_so(tmp_path: Path) -> None:
    """In the order of the file, whatever the repository's case."""
    found = catalog(tmp_path, MONOREPO)
    assert [service.name for service in found.services_of("BAKERY/shop")] == ["web", "web-api", "worker", "batch"]
    assert found.services_of("bakery/till") == ()


@pytest.mark.parametrize(
    ("repo", "hint", "environment", "expected"),
    [
        # the hint wins
        ("bakery/shop", "web", "PRODUCTION", ("web", "Production")),
        ("bakery/oven", "Cart", "production", ("Cart", "production")),
        (None, "oven", "live", ("Oven", "Live")),
        (None, " oven ", " live ", ("Oven", "Live")),
        ("bakery/shop", "web", "web/production", ("web", "Production")),
        # the only service of the repository
        ("Bakery/Oven", None, "test", ("Oven", "Test")),
        ("bakery/oven", None, "oven/live", ("Oven", "Live")),
        ("bakery/oven", None, "live-oven", ("Oven", "live-oven")),
        ("bakery/oven", "", "canary", ("Oven", "canary")),
        # one of several, named by the environment
        ("bakery/shop", None, "web/production", ("web", "Production")),
        ("bakery/shop", None, "production/WEB", ("web", "Production")),
        ("bakery/shop", None, "web-production", ("web", "Production")),
        ("bakery/shop", None, "Production (web)", ("web", "Production")),
        ("bakery/shop", None, "production(web-api)", ("web-api", "Production")),
        ("bakery/shop", None, "web-api-production", ("web-api", "Production")),
        ("bakery/shop", None, "worker-eu", ("worker", "eu")),
        ("bakery/shop", None, "eu/worker", ("worker", "eu")),
        ("bakery/shop", None, "web/eu", ("web", "eu")),
        ("bakery/shop", None, "NIGHT", ("batch", "night")),
        # nothing names one: the repository does
        ("bakery/shop", None, "production", ("shop", "production")),
        ("bakery/shop", None, "website-production", ("shop", "website-production")),
        ("bakery/mixer", None, "production", ("mixer", "production")),
        ("bakery/till", None, "production", ("till", "production")),
        (None, None, "production", ("unknown", "production")),
    ],
)
def test_a_report_is_about_the_service_and_environment_that_its_sender_meant(
    tmp_path: Path, repo: str | None, hint: str | None, environment: str, expected: tuple[str, str]
) -> None:
    """The hint, then the repository, then the environment's name, then the repository's."""
    service, resolved = catalog(tmp_path, MONOREPO).resolve_service(repo, hint, environment)
    assert (service.name, resolved) == expected


def test_a_fork_does_not_pass_for_the_service_it_was_forked_from(tmp_path: Path) -> None:
    """Its deploys must not be announced in the name of the real one."""
    service, _ = catalog(tmp_path, MONOREPO).resolve_service("mallory/oven", None, "live")
    assert (service.name, service.known) == ("mallory/oven", False)


def test_a_service_nobody_configured_knows_its_repository(tmp_path: Path) -> None:
    """Its changes can then be read."""
    service, _ = catalog(tmp_path, MONOREPO).resolve_service("bakery/mixer", None, "live")
    assert (service.repo, service.known, service.channel) == ("bakery/mixer", False, "#deploys")


@given(
    st.none() | st.text(max_size=12),
    st.none() | st.text(max_size=12),
    st.text(max_size=12) | st.sampled_from(["web/", "/web", "(web)", "web-", "-", "İweb", "ßweb/ß"]),
)
def test_every_report_is_about_something(repo: str | None, hint: str | None, environment: str) -> None:
    """Never a failure, whatever the sender calls things."""
    services = {
        name: Service(name=name, channel="#x", repo="a/b", environments=("staging", "Production"))
        for name in ("web", "web-api")
    }
    unknown = Service(name="unknown", channel="#x", known=False)
    found = Catalog(default_channel="#x", unknown=unknown, services=services)
    for origin in (repo, "a/b"):
        service, resolved = found.resolve_service(origin, hint, environment)
        assert service.name
        assert resolved == environment.strip() or resolved in environment or resolved in service.environments


@pytest.mark.parametrize(
    ("environments", "environment", "claimed", "final"),
    [
        (("staging", "Production"), "production", False, True),
        (("staging", "production"), "staging", True, False),
        (("staging", "production"), "live", None, False),
        ((), "canary", True, True),
        ((), "production", False, True),
        ((), "Production", None, True),
        ((), "prod", None, True),
        ((), "live", None, True),
        ((), "staging", None, False),
    ],
)
def test_the_final_environment_is_the_last_of_the_pipeline(
    environments: tuple[str, ...], environment: str, claimed: bool | None, final: bool
) -> None:
    """Without a pipeline the sender's claim, and without a claim the name, decides."""
    assert Service(name="a", channel="#x", environments=environments).is_final(environment, claimed) is final


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("services/oven/**", "services/oven/main.py", True),
        ("services/oven/**", "services/oven/a/b/c.py", True),
        ("services/oven/**", "services/oven2/main.py", False),
        ("services/oven/**", "services/oven", False),
        ("services/oven", "services/oven/main.py", True),
        ("services/oven/", "services/oven/a/main.py", True),
        ("services/oven", "services/ovens", False),
        ("services/*", "services/oven", True),
        ("services/*", "services/oven/main.py", False),
        ("**/*.sql", "schema.sql", True),
        ("**/*.sql", "a/b/schema.sql", True),
        ("*.sql", "a/schema.sql", False),
        ("a/**/z", "a/z", True),
        ("a/**/z", "a/b/c/z", True),
        ("a/**/z", "ab/z", False),
        ("file?.py", "file1.py", True),
        ("file?.py", "file/.py", False),
        ("a.c", "abc", False),
        ("**", "anything/at/all", True),
    ],
)
def test_a_glob_matches_paths_from_the_root(pattern: str, path: str, matches: bool) -> None:
    """One star within a folder, two across folders; a folder takes in what lies beneath."""
    assert bool(glob_pattern(pattern).fullmatch(path)) is matches


@given(st.lists(st.text(alphabet="ab.*?+([\\^$ü-", min_size=1, max_size=4), min_size=1, max_size=4).map("/".join))
def test_every_glob_can_be_matched_and_takes_in_the_name_it_spells(pattern: str) -> None:
    """What has a meaning in regular expressions has none here."""
    assert glob_pattern(pattern).fullmatch(pattern)


def test_a_service_without_paths_owns_everything_and_unknown_paths_belong_to_all() -> None:
    """A change is rather told twice than to nobody."""
    whole, part = Service(name="a", channel="#x"), Service(name="b", channel="#x", paths=("b/**",))
    assert whole.owns(["a/x"])
    assert whole.owns([])
    assert part.owns(None)
    assert part.owns(["a/x", "b/x"])
    assert not part.owns(["a/x"])
    assert not part.owns([])


def test_people_are_found_by_any_of_their_names(tmp_path: Path) -> None:
    """GitHub and e-mail make no difference between capitals; Slack's ids are exact."""
    found = catalog(tmp_path, "people: [{slack: U0BO, github: '@Bo', email: Bo@Example.com, pagerduty: PBO}]")
    (bo,) = found.people
    assert found.person_by_github("bO") is bo
    assert found.person_by_slack("U0BO") is bo
    assert found.person_by_email("bo@example.COM") is bo
    assert found.person_by_github("bob") is None
    assert found.person_by_slack("u0bo") is None
    assert found.person_by_email("bo") is None


def test_only_sources_that_are_said_to_be_insecure_are(tmp_path: Path) -> None:
    """Silence means signed."""
    found = catalog(tmp_path, "sources: {grafana: {insecure: true}, gitlab: {insecure: false}, sentry: {}}")
    assert [source for source in ("grafana", "gitlab", "sentry", "github") if found.insecure(source)] == ["grafana"]


def test_gates_come_in_every_form_and_keep_their_order(tmp_path: Path) -> None:
    """A name, a name with options, or a name that will mean something later."""
    gates = "[health, {soak: 1h30m}, {smoke: e2e}, {smoke: [a, b]}, {batch: {lines: 9}}, approval, {hours: mon-fri}]"
    text = f"services: {{a: {{gates: {gates.replace('{smoke: e2e}, ', '')}}}, b: {{gates: [{{smoke: e2e}}]}}, c: {{}}}}"
    found = catalog(tmp_path, text)
    assert found.service("a").gates == (
        Health(),
        Soak(timedelta(minutes=90)),
        Smoke(("a", "b")),
        Batch(changes=None, lines=9),
        Approval(1, timedelta(hours=4)),
        Unbuilt("hours"),
    )
    assert found.service("b").gates == (Smoke(("e2e",)),)
    assert found.service("c").gates == DEFAULT_GATES


def test_gates_without_options_are_only_named(tmp_path: Path) -> None:
    """Each word stands for its own gate."""
    found = catalog(tmp_path, "defaults: {gates: [lock, freeze, order, train, health, risk, ready]}")
    expected = (Lock(), Freeze(), Order(), Train(), Health(), Unbuilt("risk"), Unbuilt("ready"))
    assert found.service("a").gates == expected


def test_an_approval_says_who_how_many_and_how_long(tmp_path: Path) -> None:
    """One word or several for a group; what is not written has its documented value."""
    found = catalog(
        tmp_path,
        "services:\n  a:\n    pagerduty_service: PA\n    gates:\n    - approval:\n        count: 3\n"
        "        expires: 1h\n        rollback_count: 1\n        groups:\n"
        "        - {from: '@payments-leads', count: 2}\n        - {from: on-call}\n"
        "        - {from: [U0DEE, U0EVE, U0DEE]}\n  b: {gates: [{approval: {}}]}\n",
    )
    groups = (Group(("@payments-leads",), 2), Group(("on-call",)), Group(("U0DEE", "U0EVE")))
    assert found.service("a").gates == (Approval(3, timedelta(hours=1), groups, 1),)
    assert found.service("b").gates == (Approval(1, timedelta(hours=4), (), 0),)


def test_defaults_hold_for_every_service_that_does_not_say_otherwise(tmp_path: Path) -> None:
    """Also for those that the file does not name."""
    found = catalog(
        tmp_path,
        "defaults: {environments: [test, live], undo: 0s, supersede: always, promote_through: webhook, gates: []}\n"
        "services: {a: {undo: 1m, gates: [lock]}}",
    )
    named, unnamed = found.service("a"), found.service("b")
    assert (named.undo, named.gates) == (timedelta(minutes=1), (Lock(),))
    assert (unnamed.undo, unnamed.gates) == (timedelta(0), ())
    for service in (named, unnamed):
        assert service.environments == ("test", "live")
        assert service.supersede is Supersede.ALWAYS
        assert service.promote_through is PromoteThrough.WEBHOOK


@pytest.mark.parametrize(
    ("text", "modes"),
    [
        ("", (PagingMode.PAGE, PagingMode.SHADOW, PagingMode.OFF, PagingMode.SHADOW)),
        ("paging: {mode: page}", (PagingMode.PAGE, PagingMode.PAGE, PagingMode.OFF, PagingMode.PAGE)),
        ("paging: {mode: shadow}", (PagingMode.SHADOW, PagingMode.SHADOW, PagingMode.OFF, PagingMode.SHADOW)),
    ],
)
def test_people_are_woken_where_that_was_asked_for(tmp_path: Path, text: str, modes: tuple[PagingMode, ...]) -> None:
    """By default where a service names its PagerDuty service; the service's own word is the last."""
    found = catalog(tmp_path, f"services: {{a: {{pagerduty_service: P1}}, b: {{}}, c: {{paging: off}}}}\n{text}")
    assert tuple(found.service(name).paging for name in "abcd") == modes


def test_a_freeze_is_local_time_and_covers_an_hour_that_comes_twice_both_times(tmp_path: Path) -> None:
    """One that never comes stands for the instant the clocks change; an offset that is written is taken at its word."""
    found = catalog(
        tmp_path,
        "timezone: Europe/Paris\nfreezes:\n"
        "- {from: 2026-10-25T02:30, until: '2026-10-25 02:45', reason: twice}\n"
        "- {from: 2026-03-29T02:30, until: 2026-03-29T09:00, reason: begins late}\n"
        "- {from: 2026-03-28T09:00, until: 2026-03-29T02:40, reason: ends late}\n"
        "- {from: 2026-12-24T12:00+05:45, until: 2026-12-24T12:00, services: all, reason: offset}\n",
    )
    assert [(freeze.begins, freeze.ends) for freeze in found.freezes] == [
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 45, tzinfo=UTC)),
        (datetime(2026, 3, 29, 1, 0, tzinfo=UTC), datetime(2026, 3, 29, 7, 0, tzinfo=UTC)),
        (datetime(2026, 3, 28, 8, 0, tzinfo=UTC), datetime(2026, 3, 29, 1, 0, tzinfo=UTC)),
        (datetime(2026, 12, 24, 6, 15, tzinfo=UTC), datetime(2026, 12, 24, 11, 0, tzinfo=UTC)),
    ]
    assert [freeze.services for freeze in found.freezes] == [None, None, None, None]


def test_trains_audiences_and_paging_are_built_with_their_defaults(tmp_path: Path) -> None:
    """What is not written has its documented value."""
    found = catalog(
        tmp_path,
        "timezone: Europe/Paris\nservices: {a: {environments: [test, live]}, b: {environments: [test, live]}}\n"
        "trains:\n  plain: {services: [a], to: live, departs: 0 9 * * *}\n"
        "  full: {services: [b], to: live, departs: 0 9 * * *, timezone: UTC, boarding_closes: 15m, capacity: 3}\n"
        "audiences: {support: {channel: support, every: 0 17 * * *, only: {labels: bug, services: [a]}}}\n"
        "paging: {window: 30m}\nfreezes: [{from: 2026-01-01T00:00, until: 2026-01-02T00:00, services: a, reason: x}]",
    )
    plain, full = found.trains["plain"], found.trains["full"]
    assert (plain.zone.key, plain.boarding_closes, plain.capacity) == ("Europe/Paris", timedelta(0), None)
    assert (full.zone.key, full.boarding_closes, full.capacity) == ("UTC", timedelta(minutes=15), 3)
    assert (found.paging.window, found.paging.no_answer_after) == (timedelta(minutes=30), timedelta(minutes=5))
    support = found.audiences["support"]
    assert (support.channel, support.labels, support.services) == ("#support", ("bug",), ("a",))
    assert found.freezes[0].services == ("a",)


@given(st.integers(0, 99), st.integers(0, 99), st.integers(0, 99), st.integers(0, 99))
def test_a_duration_is_the_sum_of_its_parts(days: int, hours: int, minutes: int, seconds: int) -> None:
    """Whatever is nought may be left out."""
    expected = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    parts = [(days, "d"), (hours, "h"), (minutes, "m"), (seconds, "s")]
    assert duration("".join(f"{count}{unit}" for count, unit in parts)) == expected
    short = "".join(f"{count}{unit}" for count, unit in parts if count)
    assert duration(short or "0s") == expected


@pytest.mark.parametrize(
    "written", ["", "m", "10", "1.5h", "-1h", "5m1h", "1h 30m", "1w", None, ["1h"], "99999999999d"]
)
def test_what_is_no_duration_is_refused(written: object) -> None:
    """With an example of one."""
    with pytest.raises(ValueError, match="expected a duration such as 10s"):
        duration(written)
