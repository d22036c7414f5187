"""What ``shipmate doctor`` looks at, one function for each subject; each says what it found and how to mend it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import aiohttp
import yaml
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from bot import wiring
from bot.catalog import load_catalog
from bot.cli.examining_alerts import alert_sources
from bot.cli.examining_pager import pager
from bot.cli.examining_pipelines import pipelines
from bot.cli.findings import Finding, Health
from bot.database.schema import newest_revision, present_revision, unusable
from bot.errors import ConfigurationError, GiveUp, OutgoingError
from bot.rendering import faults_of, manifest_file, templates_folder
from bot.settings import Settings, load_settings
from bot.wiring import Wired

HOOK_EVENTS = frozenset(
    {"push", "pull_request", "deployment", "deployment_status", "workflow_run", "check_run", "check_suite", "release"}
)
"""The events that a repository's webhook must send."""

PATIENCE = 5.0
"""Seconds to wait for a running bot to answer."""


async def examine() -> list[Finding]:
    """Look at everything that can be looked at; without usable settings, at those alone."""
    try:
        settings = load_settings()
    except ConfigurationError as error:
        return [Finding("settings", Health.FAULT, fault) for fault in error.faults]
    findings = [Finding("settings", Health.GOOD, "every variable can be read")]
    findings += [Finding("settings", Health.FAULT, sentence) for sentence in settings.missing_to_serve()]
    catalogue = _catalogue(settings)
    findings += catalogue
    findings += templates(settings.templates)
    findings.append(await asyncio.to_thread(_database, settings))
    if not any(one.health is Health.FAULT for one in catalogue):
        wired = wiring.wire(settings, {})
        try:
            findings += await _slack(settings, wired)
            findings += await _github(settings, wired)
            findings += await pipelines(wired)
            findings += await pager(settings, wired)
            findings += alert_sources(settings, wired.bot.catalog.insecure_sources)
        finally:
            await wired.close_adapters()
    findings.append(await _running(settings))
    return findings


def _catalogue(settings: Settings) -> list[Finding]:
    try:
        catalog = load_catalog(settings.config, default_channel=settings.default_channel)
    except ConfigurationError as error:
        return [Finding("shipmate.yml", Health.FAULT, fault) for fault in error.faults]
    if settings.config is None:
        said = f"there is none: every service seen is announced in {catalog.default_channel}"
        return [Finding("shipmate.yml", Health.NOTE, said)]
    return [Finding("shipmate.yml", Health.GOOD, f"{settings.config}, {len(catalog.services)} services")]


def templates(folder: Path | None) -> list[Finding]:
    """Whether every template can be read: ours, and those that the user puts in their place (``folder``)."""
    findings = [
        Finding("templates", Health.FAULT, f"ours, {name}: {fault}", "Install Shipmate again.")
        for name, fault in faults_of(templates_folder()).items()
    ]
    if folder is None:
        return findings or [Finding("templates", Health.GOOD, "ours, and no other (SHIPMATE_TEMPLATES)")]
    mend = "Mend it, or take it out: until then ours is used in its place."
    theirs = faults_of(folder)
    findings += [Finding("templates", Health.FAULT, f"{name}: {fault}", mend) for name, fault in theirs.items()]
    return findings or [Finding("templates", Health.GOOD, f"all of {folder} can be read")]


def _database(settings: Settings) -> Finding:
    name = make_url(settings.database_url).render_as_string(hide_password=True)
    if settings.database_url.startswith("sqlite") and not Path(make_url(settings.database_url).database or "").exists():
        return Finding("database", Health.NOTE, f"{name} does not exist yet; serve makes it")
    engine = create_engine(settings.database_url)
    try:
        with engine.connect() as connection:
            present, newest = present_revision(connection), newest_revision()
    except DBAPIError as fault:
        mend = "Is it running, and DATABASE_URL right?"
        return Finding("database", Health.FAULT, unusable(settings.database_url, fault), mend)
    finally:
        engine.dispose()
    if present != newest:
        said = f"{name} is at revision {present or 'none'}; this version needs {newest}"
        return Finding("database", Health.NOTE, said, "serve does it by itself, or now: shipmate db upgrade")
    return Finding("database", Health.GOOD, f"{name}, revision {present}")


async def _slack(settings: Settings, wired: Wired) -> list[Finding]:
    if settings.slack_bot_token is None:
        return []  # said with the settings
    try:
        who = await wired.chat.identity()
    except GiveUp as fault:
        return [Finding("Slack", Health.FAULT, fault.code, fault.mend or "Check SLACK_BOT_TOKEN.")]
    except OutgoingError as fault:
        return [
            Finding("Slack", Health.FAULT, f"does not answer ({fault})", "Is SLACK_API_URL right, and the network?")
        ]
    findings = [Finding("Slack", Health.GOOD, f"signed in to {who.team}")]
    missing = sorted(_wanted_scopes() - who.scopes)
    if missing:
        mend = "Add them under OAuth & Permissions (or paste manifest.yml again), then install the app anew."
        findings.append(Finding("Slack scopes", Health.FAULT, f"missing: {', '.join(missing)}", mend))
    else:
        findings.append(Finding("Slack scopes", Health.GOOD, "all that the manifest asks for are granted"))
    if settings.slack_app_token is None and settings.public_url is None:
        mend = "Set SHIPMATE_PUBLIC_URL, or SLACK_APP_TOKEN for Socket Mode (no public address needed)."
        findings.append(Finding("Slack requests", Health.NOTE, "no public address is set, and no Socket Mode", mend))
    return findings


def _wanted_scopes() -> frozenset[str]:
    """The bot scopes of the manifest that ships with this version."""
    manifest = yaml.safe_load(manifest_file().read_text(encoding="utf-8"))
    return frozenset(manifest["oauth_config"]["scopes"]["bot"])


async def _github(settings: Settings, wired: Wired) -> list[Finding]:
    findings = []
    if settings.webhook_secret("github") is None:
        mend = "Set GITHUB_WEBHOOK_SECRET to the secret of your webhook (or App)."
        findings.append(Finding("GitHub webhooks", Health.FAULT, "no secret is set, so none is taken", mend))
    try:
        who = await wired.forge.identity()
    except GiveUp as fault:
        mend = fault.mend or "Set GITHUB_TOKEN, or GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY."
        without_token = fault.code == "no_token"
        said = f"{'no token' if without_token else fault.code}: deploys are announced without changes and authors"
        return [*findings, Finding("GitHub", Health.NOTE if without_token else Health.FAULT, said, mend)]
    except OutgoingError as fault:
        return [*findings, Finding("GitHub", Health.FAULT, f"does not answer ({fault})", "Is GITHUB_API_URL right?")]
    findings.append(Finding("GitHub", Health.GOOD, f"signed in as {who}"))
    for repo in sorted({one.repo for one in wired.bot.catalog.services.values() if one.repo}):
        findings += await _repository(settings, wired, repo)
    return findings


async def _repository(settings: Settings, wired: Wired, repo: str) -> Sequence[Finding]:
    try:
        await wired.forge.readable(repo)
        hooks = await wired.forge.hooks(repo)
    except OutgoingError as fault:
        mend = fault.mend if isinstance(fault, GiveUp) else "Try again in a moment."
        return [Finding(repo, Health.FAULT, str(fault), mend)]
    if hooks is None:
        return [Finding(repo, Health.NOTE, "can be read; its webhooks cannot be seen (that takes an administrator)")]
    ours = [hook for hook in hooks if hook.url.rstrip("/").endswith("/webhooks/github")]
    if settings.public_url:
        ours = [hook for hook in ours if hook.url.startswith(settings.public_url)]
    if not ours:
        address = f"{settings.public_url or 'https://…'}/webhooks/github"
        mend = f"Add one to {address}, content type application/json, or use a GitHub App."
        return [Finding(repo, Health.NOTE, "can be read, and has no webhook to us (fine with a GitHub App)", mend)]
    missing = sorted(HOOK_EVENTS - ours[0].events) if "*" not in ours[0].events else []
    if missing or not ours[0].active:
        said = (
            "its webhook is switched off" if not ours[0].active else f"its webhook does not send {', '.join(missing)}"
        )
        return [Finding(repo, Health.FAULT, said, "Change it under the repository's Settings → Webhooks.")]
    return [Finding(repo, Health.GOOD, "can be read, and its webhook sends what we need")]


async def _running(settings: Settings) -> Finding:
    url = f"{settings.url.rstrip('/')}/readyz"
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(PATIENCE)) as session,
            session.get(url) as response,
        ):
            answer = await response.json(content_type=None)
    except (TimeoutError, aiohttp.ClientError, ValueError):
        return Finding("the bot", Health.NOTE, f"none answers at {settings.url}", "Start it: shipmate serve")
    if not isinstance(answer, dict) or response.status != 200:
        return Finding("the bot", Health.FAULT, f"{settings.url} is not ready: {answer}", "Read its log.")
    slack = answer.get("slack", "ok")
    if slack != "ok":
        return Finding("the bot", Health.FAULT, f"{settings.url} is running, but Slack: {slack}", "Read its log.")
    return Finding("the bot", Health.GOOD, f"{settings.url} is running and ready")
