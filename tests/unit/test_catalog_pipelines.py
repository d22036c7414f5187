"""How shipmate.yml says what carries promotions out: the webhook's address, the workflow and its branch."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest

from bot.catalog import Catalog, CatalogError, Service, catalog_schema, load_catalog


def catalog(folder: Path, text: str) -> Catalog:
    file = folder / "shipmate.yml"
    file.write_text(text)
    return load_catalog(file, default_channel="#deploys")


def ways(service: Service) -> tuple[str | None, str, str | None]:
    return service.promote_webhook, service.workflow, service.workflow_ref


def test_what_is_not_said_has_its_documented_value(tmp_path: Path) -> None:
    """The main branch's deploy.yml, and nobody to call."""
    assert ways(catalog(tmp_path, "services: {checkout: {}}").service("checkout")) == (None, "deploy.yml", None)


def test_a_service_says_it_or_all_do(tmp_path: Path) -> None:
    """As every policy: one's own word wins over the defaults, which also hold for services not named."""
    found = catalog(
        tmp_path,
        "defaults: {promote_webhook: 'https://ci.example.com/promote', workflow: ship.yaml}\n"
        "services: {checkout: {workflow: release.yml, workflow_ref: releases/2026}}\n",
    )
    address = "https://ci.example.com/promote"
    assert ways(found.service("checkout")) == (address, "release.yml", "releases/2026")
    assert ways(found.service("unknown")) == (address, "ship.yaml", None)


@pytest.mark.parametrize(
    "address",
    [
        "https://ci.example.com/promote?team=payments",
        "https://ci.example.com:8443",
        "http://127.0.0.1:9000/promote",
        "http://localhost/promote",
        "http://[::1]:9000/",
    ],
)
def test_a_call_goes_out_encrypted_or_stays_on_this_machine(tmp_path: Path, address: str) -> None:
    assert ways(catalog(tmp_path, f"defaults: {{promote_webhook: '{address}'}}").service("a"))[0] == address


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("promote_webhook", "http://ci.example.com/promote", "expected an address that begins with https://"),
        ("promote_webhook", "http://localhost.example.com/", "expected an address that begins with https://"),
        ("promote_webhook", "http://10.0.0.7/promote", "expected an address that begins with https://"),
        ("promote_webhook", "ftp://127.0.0.1/", "expected an address that begins with https://"),
        ("promote_webhook", "https://", "expected an address that begins with https://"),
        ("promote_webhook", "https://ci.example.com:99999/", "expected an address that begins with https://"),
        ("promote_webhook", "https://[ci", "expected an address that begins with https://"),
        ("promote_webhook", "https://ci.example.com/a b", "expected an address that begins with https://"),
        ("promote_webhook", "https://ana:secret@ci.example.com/", "SHIPMATE_WEBHOOK_SECRET"),
        ("promote_webhook", "https://ci.example.com/#now", "SHIPMATE_WEBHOOK_SECRET"),
        ("workflow", ".github/workflows/deploy.yml", "such as deploy.yml"),
        ("workflow", "../deploy.yml", "such as deploy.yml"),
        ("workflow", "deploy", "such as deploy.yml"),
        ("workflow", "12", "such as deploy.yml"),
        ("workflow_ref", "a b", "such as main"),
        ("workflow_ref", "-main", "such as main"),
        ("workflow_ref", "main..dev", "such as main"),
        ("workflow_ref", "feature/", "such as main"),
        ("workflow_ref", "a^b", "such as main"),
        ("workflow_ref", "x.lock", "such as main"),
    ],
)
def test_what_cannot_be_called_is_refused_with_what_was_expected(
    tmp_path: Path, key: str, value: str, told: str
) -> None:
    with pytest.raises(CatalogError) as raised:
        catalog(tmp_path, f"services:\n  checkout:\n    {key}: '{value}'")
    (fault,) = raised.value.faults
    assert fault.startswith(f"{tmp_path / 'shipmate.yml'}:3: services.checkout.{key}: ")
    assert told in fault
    assert "secret" not in fault


def test_an_editor_knows_the_keys() -> None:
    """By the schema, under services as under defaults."""
    policy = {"promote_through": "webhook", "promote_webhook": "https://ci.example.com/", "workflow": "deploy.yml"}
    good = {"defaults": policy, "services": {"a": policy | {"workflow_ref": "main"}}}
    jsonschema.validate(good, catalog_schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"services": {"a": {"promote_webhook": "ci.example.com"}}}, catalog_schema())
