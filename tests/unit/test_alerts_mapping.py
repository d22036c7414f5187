"""Whose an alert is: by people, by the catalogue, by labels in every spelling, by its name; or nobody's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.alerts.mapping import LONGEST_KIND, environment_of, kind_of, likely_services, service_of, told_of
from bot.catalog import Catalog, Service
from tests.unit.reports import catalog

CHECKOUT = Service(
    name="checkout", channel="#a", repo="acme/shop-checkout", environments=("staging", "production"),
    alerts={"team": "payments", "tier": "web"}, pagerduty_service="PSVC1",
)  # fmt: skip
CART = Service(
    name="cart", channel="#a", environments=("qa", "prod"), alerts={"team": "payments"}, pagerduty_service="PSVC2"
)
CART_API = Service(name="cart-api", channel="#a", pagerduty_service="PSVC2")
LIVE_CHAT = Service(name="live-chat", channel="#a", environments=("staging", "production"))
SEARCH = Service(name="search_index", channel="#a", repo="acme/search")
HERE: Catalog = catalog(CHECKOUT, CART, CART_API, SEARCH)


def whose(name: str | None = None, *, named: str | None = None, pager: str | None = None, **labels: str) -> str | None:
    """Whose an alert with these labels is; ``__`` in a label's name stands for a full stop."""
    told = {key.replace("__", "."): value for key, value in labels.items()}
    return service_of(
        HERE, {"said": "cart", "nobodys": None}, named=named, labels=told, pager_service=pager,
        kind=told.pop("kind", "unsaid"), name=name,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("labels", "service"),
    [
        ({"team": "payments"}, "cart"),
        ({"team": "Payments", "tier": "web"}, "checkout"),
        ({"team": "search"}, None),
        ({"sentry_project": "Checkout"}, "checkout"),
        ({"project": "shop-checkout"}, "checkout"),
        ({"project": "acme/search"}, "search_index"),
        ({"service": "CHECKOUT"}, "checkout"),
        ({"service__name": "checkout"}, "checkout"),
        ({"app": "search index"}, "search_index"),
        ({"application": "checkout-production"}, "checkout"),
        ({"component": "prod-checkout"}, "checkout"),
        ({"deployment": "checkout_live"}, "checkout"),
        ({"container": "cart-qa"}, "cart"),
        ({"job": "shop/cart"}, "cart"),
        ({"job": "kube-state-metrics", "deployment": "cart-api"}, "cart-api"),
        ({"service": "checkouts"}, None),
        ({"service": "checkout-canary"}, None),
        ({"instance": "checkout"}, None),
        ({"app__kubernetes__io/name": "checkout"}, "checkout"),
        ({"exported_service": "checkout"}, "checkout"),
        ({"kube_deployment": "prod-checkout"}, "checkout"),
        ({"tag:checkout": "true"}, "checkout"),
        ({"flag": "cart"}, "cart"),
    ],
)
def test_labels_tell_whose_it_is(labels: dict[str, str], service: str | None) -> None:
    """The catalogue's own pairs first, the most of them; then whatever names a service, with an environment or not."""
    assert whose(**labels) == service


@pytest.mark.parametrize(
    ("name", "service"),
    [
        ("checkout 5xx", "checkout"),
        ("CheckoutHighErrorRate", "checkout"),
        ("checkout-slow", "checkout"),
        ("SearchIndexLag", "search_index"),
        ("cart-api is down", "cart-api"),
        ("CartAPIDown", "cart-api"),
        ("cart and checkout are slow", None),
        ("checkouts are slow", None),
        ("HighErrorRate", None),
        ("", None),
    ],
)
def test_its_name_tells_where_one_service_alone_stands_in_it(name: str, service: str | None) -> None:
    """As a word or the words of one, never within another service's name."""
    assert whose(name) == service


def test_the_sender_and_people_come_before_everything() -> None:
    """What a person called nobody's stays nobody's, though a label names a service."""
    assert whose(named="Checkout", service="cart", kind="said") == "checkout"
    assert whose(named="brand-new") == "brand-new"
    assert whose(service="checkout", kind="said") == "cart"
    assert whose(service="checkout", kind="nobodys") is None


def test_pagerdutys_service_tells_or_narrows_it_down() -> None:
    """One that several share is told apart by the rest, and by nothing else."""
    assert whose("Something is slow", pager="PSVC1") == "checkout"
    assert whose("cart-api is slow", pager="PSVC2") == "cart-api"
    assert whose("checkout is slow", pager="PSVC2") is None
    assert whose("checkout is slow", pager="PELSE") == "checkout"


def test_services_that_were_only_deployed_are_known_by_labels_too() -> None:
    """Where nothing is configured."""
    found = service_of(
        catalog(), {}, named=None, labels={"app": "oven-production"}, pager_service=None, kind="x", seen=("oven",)
    )
    assert found == "oven"


@pytest.mark.parametrize(
    ("service", "told", "labels", "environment"),
    [
        (CHECKOUT, "Production", {}, "production"),
        (CHECKOUT, "prod", {}, "production"),
        (CHECKOUT, "stg", {}, "staging"),
        (CART, "live", {}, "prod"),
        (CHECKOUT, "eu-west", {}, "eu-west"),
        (CHECKOUT, "prod-eu", {}, "production"),
        (CHECKOUT, "us-east-1/PRD", {}, "production"),
        (CHECKOUT, "pre-prod", {}, "pre-prod"),
        (CHECKOUT, "preprod", {}, "preprod"),
        (CHECKOUT, "prod-test", {}, "prod-test"),
        (CHECKOUT, "prod-to-staging", {}, "prod-to-staging"),
        (CART, "eu-live-1", {}, "prod"),
        (CART, "qa-prod", {}, "qa-prod"),
        (CHECKOUT, None, {"namespace": "checkout-staging"}, "staging"),
        (CHECKOUT, None, {"cluster": "staging-eu-1"}, "staging"),
        (CHECKOUT, None, {"kube_namespace": "shop-stg"}, "staging"),
        (CHECKOUT, None, {"namespace": "pre-prod"}, None),
        (CHECKOUT, None, {"app": "checkout-staging"}, "staging"),
        (CHECKOUT, None, {"job": "staging/checkout"}, "staging"),
        (CHECKOUT, None, {"namespace": "prod", "app": "checkout-staging"}, "production"),
        (CHECKOUT, None, {"app": "cart-staging"}, None),
        (CHECKOUT, None, {"app": "checkout"}, None),
        (LIVE_CHAT, None, {"namespace": "live-chat"}, None),
        (CHECKOUT, None, {"namespace": "live-chat"}, None),
        (CHECKOUT, None, {"namespace": "stage-tools"}, None),
        (CHECKOUT, None, {"cluster": "shop-prod-k8s-euw1"}, "production"),
        (LIVE_CHAT, None, {"namespace": "live-chat-staging"}, "staging"),
        (CHECKOUT, None, {"namespace": "production"}, "production"),
        (CHECKOUT, None, {"cluster": "prd"}, "production"),
        (CHECKOUT, None, {"namespace": "payments"}, None),
        (CHECKOUT, None, {"env": "eu-west"}, "eu-west"),
        (CHECKOUT, None, {}, None),
    ],
)
def test_where_it_fires_is_said_as_the_pipeline_says_it(
    service: Service, told: str | None, labels: dict[str, str], environment: str | None
) -> None:
    """A name that the pipeline does not have stands as it is; of a namespace it says nothing.

    Staging's alert would wake people for production, and one of a region's production nobody.
    """
    assert environment_of(service, told, labels) == environment


def test_a_kind_is_what_a_person_can_speak_for() -> None:
    """Another pod is the same kind, another app is not; errors and incidents go by where they come from."""
    disk = kind_of("alertmanager", "DiskFull", {"app": "db", "pod": "db-1"})
    assert disk == kind_of("alertmanager", "diskfull", {"App": "db", "pod": "db-2"})
    assert disk != kind_of("alertmanager", "DiskFull", {"app": "cache"})
    first, second, other = ({"job_name": one} for one in ("backup-28391040", "backup-28392480", "reports-28391040"))
    failed = kind_of("alertmanager", "KubeJobFailed", first)
    assert failed == kind_of("alertmanager", "KubeJobFailed", second), "each run has a name of its own"
    assert failed != kind_of("alertmanager", "KubeJobFailed", other)
    assert disk != kind_of("grafana", "DiskFull", {"app": "db"})
    assert kind_of("sentry", "KeyError", {"project": "web"}) == kind_of("sentry", "ValueError", {"project": "web"})
    cloud = {"project": "acme-production", "app": "db"}
    assert kind_of("alertmanager", "DiskFull", cloud) != kind_of("alertmanager", "CertificateExpires", cloud)
    assert kind_of("grafana", "5xx", {"project": "web"}) != kind_of("grafana", "5xx", {"project": "pay"})
    flag = {"project": "web", "flag": "new-basket"}
    assert kind_of("launchdarkly", "new-basket", flag) == kind_of(
        "launchdarkly", "new-basket", flag | {"tag:a": "true"}
    )
    assert kind_of("launchdarkly", "new-basket", flag) != kind_of("launchdarkly", "new-basket", flag | {"project": "x"})
    first, second = ({"pagerduty_service": one} for one in ("P1", "P2"))
    assert (
        kind_of("pagerduty", "slow", first) == kind_of("pagerduty", "down", first) != kind_of("pagerduty", "a", second)
    )


@given(name=st.text(max_size=600), labels=st.dictionaries(st.text(max_size=20), st.text(max_size=600), max_size=6))
def test_whatever_stands_in_an_alert_it_has_a_kind_and_may_be_anybodys(name: str, labels: dict[str, str]) -> None:
    """Short enough to be stored, and never a fault."""
    kind = kind_of("generic", name, labels)
    assert 0 < len(kind) <= LONGEST_KIND
    found = service_of(HERE, {}, named=None, labels=labels, pager_service=None, kind=kind, name=name)
    assert found is None or HERE.service(found).known
    environment_of(CHECKOUT, None, labels)


def test_the_likeliest_are_offered_first() -> None:
    """Those that share words with the alert, then by name."""
    found = likely_services(HERE, "IndexLag", {"queue": "search"}, ["search-api", "CART"])
    assert found == ["search_index", "search-api", "cart", "cart-api", "checkout"]


@pytest.mark.parametrize(
    ("service", "labels", "about"),
    [
        ("Checkout API", {"service": "cart"}, "checkout-api"),
        (None, {"service.name": "cart", "instance": "10.0.0.7"}, "cart"),
        (None, {"App": " cart_web ", "pod": "cart-7f"}, "cart-web"),
        (None, {"pagerduty_service": "PCART", "service": "cart"}, "pcart"),
        (None, {"sentry_project": "cart"}, "cart"),
        (None, {"pod": "cart-7f", "service": ""}, "disk-is-full"),
        (None, {}, "disk-is-full"),
    ],
)
def test_alerts_of_one_storm_are_told_from_all_others_at_a_glance(
    service: str | None, labels: dict[str, str], about: str
) -> None:
    """Whichever of its pods they come from; whose they are in the end is found out when they are applied."""
    assert told_of(service, "Disk is full", labels) == about
