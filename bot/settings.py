"""Secrets and addresses, from the environment and ``.env``; policy lives in shipmate.yml.

Every fault is found at once and told in plain words. No value of a secret, and no address that may hold one,
is ever part of a message or a ``repr``. A variable that is set but empty counts as not set, so
``.env.example`` can be copied as it is.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit

from dotenv.parser import parse_stream
from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bot.errors import ConfigurationError
from bot.spelling import did_you_mean, nearest

SOURCES = (
    "github",
    "gitlab",
    "argocd",
    "argo-rollouts",
    "flagger",
    "alertmanager",
    "grafana",
    "datadog",
    "sentry",
    "pagerduty",
    "launchdarkly",
    "cdevents",
    "generic",
)
"""Every system that may send webhooks, as its route names it."""

DEFAULT_CONFIG = Path("shipmate.yml")
DEFAULT_CHANNEL = "#deploys"
DEFAULT_DATABASE = "sqlite:///shipmate.db"
DEFAULT_PORT = 8080

_KUBERNETES_LINK = re.compile(r"SHIPMATE_(SERVICE_(HOST|PORT.*)|PORT_\d+_(TCP|UDP|SCTP).*)")
"""Kubernetes gives every pod such variables for a Service called ``shipmate``: they are not ours to judge."""

_TEST_VARIABLES = frozenset({"SHIPMATE_TORTURE_ROUNDS", "SHIPMATE_TORTURE_SEED"})
"""Read by the tests, never by the bot, which the tests start within their own environment."""

_NEAR_MISS = 0.88
"""How like one of our names another must be, in ``.env``, to be a misspelling rather than somebody else's."""


def slack_channel(text: str) -> str:
    """A channel as Slack takes it, ``#name`` or an id; ValueError says what a channel looks like.

    Names have at most 80 characters, no capitals, spaces, full stops or commas (Slack's help on naming them).
    """
    if re.fullmatch(r"[CG][A-Z0-9]{7,}", text):
        return text
    name = text.removeprefix("#")
    if not re.fullmatch(r"[^\s.,#@A-Z<>&]{1,80}", name):
        raise ValueError('expected a channel such as "#deploys" (no capitals, spaces or full stops) or its id')
    return f"#{name}"


def _token(text: str) -> str:
    if not re.fullmatch(r"[!-~]+", text):
        raise ValueError("has a space, a line break or a special character in it; copy it again, whole")
    return text


def _bot_token(text: str) -> str:
    if text.startswith(("xapp-", "xoxp-", "xoxa-")):
        raise ValueError('expected the bot token, which begins with "xoxb-" (Slack app → OAuth & Permissions)')
    return _token(text)


def _app_token(text: str) -> str:
    if text.startswith("xox"):
        raise ValueError(
            'expected an app-level token, which begins with "xapp-" (Slack app → Basic Information); '
            "leave it out to receive events over HTTP"
        )
    return _token(text)


def _private_key(text: str) -> str:
    if "-----BEGIN" not in text or "-----END" not in text:
        raise ValueError(
            "expected the whole text of the app's .pem file, from -----BEGIN to -----END, in double quotes; "
            r"line breaks may be written as \n"
        )
    return text.replace("\\n", "\n")


def _split(text: str, expected: str) -> SplitResult:
    try:
        address = urlsplit(text)
        _ = address.port  # read here because it is only judged when read
    except ValueError:
        raise ValueError(f"{expected}; a special character in a password is written as %xx") from None
    return address


def _web_address(text: str) -> str:
    expected = "expected an address that begins with https:// (or http://)"
    address = _split(text, expected)
    if address.scheme not in ("http", "https") or not address.hostname or re.search(r"\s", text):
        raise ValueError(expected)
    if address.username or address.password:
        raise ValueError("has a name or password in it; secrets have their own variables")
    if address.query or address.fragment:
        raise ValueError("expected an address without anything after a ? or a #")
    return text.rstrip("/")


def _slack_address(text: str) -> str:
    # slack_sdk joins method names to it, which drops a last part that has no slash behind it.
    return f"{_web_address(text)}/"


def _clock_address(text: str) -> str:
    host = urlsplit(_web_address(text)).hostname or ""
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost"
    if not loopback:
        raise ValueError(
            "expected an address on this machine (http://127.0.0.1:…): only the sandbox turns the bot's "
            "clock; remove it in production"
        )
    return text.rstrip("/")


def _database_address(text: str) -> str:
    expected = "expected sqlite:///file.db or postgresql://user:password@host/database"
    scheme, separator, rest = text.partition("://")
    match scheme:
        case "sqlite" if separator:
            return _sqlite_address(rest)
        case "postgres" | "postgresql" | "postgresql+psycopg" if separator:
            if not _split(text, expected).path.strip("/"):
                raise ValueError(f"names no database; {expected}")
            return f"postgresql+psycopg://{rest}"
        case _ if separator and re.fullmatch(r"[a-z0-9+]{1,30}", scheme):
            raise ValueError(f"Shipmate cannot use {scheme}; {expected} (the driver is chosen for you)")
        case _:
            raise ValueError(expected)


def _sqlite_address(rest: str) -> str:
    file = rest.partition("?")[0].removeprefix("/")
    if not rest.startswith("/") or not file or file == ":memory:":
        raise ValueError("expected a file, such as sqlite:///shipmate.db: what is in memory dies with the bot")
    folder = Path(file).parent
    if not folder.is_dir():
        raise ValueError(f"the folder {folder} does not exist; make it, or name another place")
    return f"sqlite://{rest}"


def _port(text: str) -> int:
    # Port 0 lets the system choose a free one, which is what tests want.
    if not re.fullmatch(r"[0-9]{1,5}", text) or int(text) > 65535:
        raise ValueError("expected a port number from 0 to 65535, such as 8080")
    return int(text)


def _existing_folder(text: str) -> Path:
    if not Path(text).is_dir():
        raise ValueError("expected an existing folder that holds your own templates; make it, or leave this out")
    return Path(text)


def _existing_file(text: str) -> Path:
    if not Path(text).is_file():
        raise ValueError("there is no such file; write it, or leave this out to announce every service seen")
    return Path(text)


def _mailbox(text: str) -> str:
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", text):
        raise ValueError("expected the e-mail address of a PagerDuty user, in whose name incidents are opened")
    return text


def _host(text: str) -> str:
    if not re.fullmatch(r"[0-9A-Za-z.:_-]+", text):
        raise ValueError("expected an address to listen on, such as 127.0.0.1 or 0.0.0.0, without a port")
    return text


Token = Annotated[SecretStr, BeforeValidator(_token)]
WebAddress = Annotated[str, BeforeValidator(_web_address)]


def _variable(name: str) -> Any:  # pydantic's Field is typed as whatever it stands for
    return Field(default=None, validation_alias=name)


class Settings(BaseSettings):
    """What ``load_settings`` found: one attribute for each variable, None where it has no value."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, validate_default=False)

    config: Annotated[Path, BeforeValidator(_existing_file)] | None = _variable("SHIPMATE_CONFIG")
    """The catalogue's file; None where there is none."""
    database_url: Annotated[str, BeforeValidator(_database_address)] = Field(
        default=DEFAULT_DATABASE, validation_alias="DATABASE_URL", repr=False
    )
    """In SQLAlchemy's spelling, driver included. May hold a password: never show it."""
    host: Annotated[str, BeforeValidator(_host)] = Field(default="127.0.0.1", validation_alias="SHIPMATE_HOST")
    port: Annotated[int, BeforeValidator(_port)] = Field(default=DEFAULT_PORT, validation_alias="SHIPMATE_PORT")
    public_url: WebAddress | None = _variable("SHIPMATE_PUBLIC_URL")
    """Where people's browsers reach the bot, without a slash at the end."""
    default_channel: Annotated[str, BeforeValidator(slack_channel)] = Field(
        default=DEFAULT_CHANNEL, validation_alias="SHIPMATE_DEFAULT_CHANNEL"
    )
    templates: Annotated[Path, BeforeValidator(_existing_folder)] | None = _variable("SHIPMATE_TEMPLATES")
    clock_url: Annotated[str, BeforeValidator(_clock_address)] | None = _variable("SHIPMATE_CLOCK_URL")
    api_token: Token | None = _variable("SHIPMATE_API_TOKEN")
    url: WebAddress = Field(
        default_factory=lambda known: f"http://127.0.0.1:{known.get('port', DEFAULT_PORT)}",
        validation_alias="SHIPMATE_URL",
    )
    """Where the command line finds the running bot."""

    slack_bot_token: Annotated[SecretStr, BeforeValidator(_bot_token)] | None = _variable("SLACK_BOT_TOKEN")
    slack_signing_secret: Token | None = _variable("SLACK_SIGNING_SECRET")
    slack_app_token: Annotated[SecretStr, BeforeValidator(_app_token)] | None = _variable("SLACK_APP_TOKEN")
    """Set: Socket Mode."""
    slack_api_url: Annotated[str, BeforeValidator(_slack_address)] = Field(
        default="https://slack.com/api/", validation_alias="SLACK_API_URL"
    )
    """With a slash at the end, as slack_sdk wants it."""

    github_token: Token | None = _variable("GITHUB_TOKEN")
    github_app_id: Annotated[str, BeforeValidator(_token)] | None = _variable("GITHUB_APP_ID")
    github_app_private_key: Annotated[SecretStr, BeforeValidator(_private_key)] | None = _variable(
        "GITHUB_APP_PRIVATE_KEY"
    )
    github_api_url: WebAddress = Field(default="https://api.github.com", validation_alias="GITHUB_API_URL")

    pagerduty_api_key: Token | None = _variable("PAGERDUTY_API_KEY")
    pagerduty_from: Annotated[str, BeforeValidator(_mailbox)] | None = _variable("PAGERDUTY_FROM")
    pagerduty_routing_key: Token | None = _variable("PAGERDUTY_ROUTING_KEY")
    pagerduty_api_url: WebAddress = Field(default="https://api.pagerduty.com", validation_alias="PAGERDUTY_API_URL")
    pagerduty_events_url: WebAddress = Field(
        default="https://events.pagerduty.com", validation_alias="PAGERDUTY_EVENTS_URL"
    )

    shipmate_webhook_secret: SecretStr | None = _variable("SHIPMATE_WEBHOOK_SECRET")
    """What our own calls to ``promote_webhook`` are signed with."""
    github_webhook_secret: SecretStr | None = _variable("GITHUB_WEBHOOK_SECRET")
    gitlab_webhook_secret: SecretStr | None = _variable("GITLAB_WEBHOOK_SECRET")
    argocd_webhook_secret: SecretStr | None = _variable("ARGOCD_WEBHOOK_SECRET")
    argo_rollouts_webhook_secret: SecretStr | None = _variable("ARGO_ROLLOUTS_WEBHOOK_SECRET")
    flagger_webhook_secret: SecretStr | None = _variable("FLAGGER_WEBHOOK_SECRET")
    alertmanager_webhook_secret: SecretStr | None = _variable("ALERTMANAGER_WEBHOOK_SECRET")
    grafana_webhook_secret: SecretStr | None = _variable("GRAFANA_WEBHOOK_SECRET")
    datadog_webhook_secret: SecretStr | None = _variable("DATADOG_WEBHOOK_SECRET")
    sentry_webhook_secret: SecretStr | None = _variable("SENTRY_WEBHOOK_SECRET")
    pagerduty_webhook_secret: SecretStr | None = _variable("PAGERDUTY_WEBHOOK_SECRET")
    launchdarkly_webhook_secret: SecretStr | None = _variable("LAUNCHDARKLY_WEBHOOK_SECRET")
    cdevents_webhook_secret: SecretStr | None = _variable("CDEVENTS_WEBHOOK_SECRET")
    generic_webhook_secret: SecretStr | None = _variable("GENERIC_WEBHOOK_SECRET")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what ``load_settings`` hands over: it gathers the environment itself, to judge it whole."""
        return (init_settings,)

    def webhook_secret(self, source: str) -> SecretStr | None:
        """The secret this source signs with, or None when it has none (or is no source of ours)."""
        secret: SecretStr | None = None
        if source in SOURCES:
            secret = getattr(self, f"{source.replace('-', '_')}_webhook_secret")
        return secret

    def missing_to_serve(self) -> list[str]:
        """What ``shipmate serve`` cannot do without and is not set, one sentence each with its mend."""
        faults = []
        if self.slack_bot_token is None:
            faults.append(
                'SLACK_BOT_TOKEN: is not set; copy the bot token ("xoxb-…") from your Slack app → OAuth & Permissions'
            )
        if self.slack_signing_secret is None and self.slack_app_token is None:
            faults.append(
                "SLACK_SIGNING_SECRET: is not set; copy it from your Slack app → Basic Information, "
                "or set SLACK_APP_TOKEN to use Socket Mode"
            )
        return faults


def variables() -> tuple[str, ...]:
    """The name of every environment variable that the bot reads, in the order of ``Settings``."""
    return tuple(str(field.validation_alias) for field in Settings.model_fields.values())


def load_settings(environ: Mapping[str, str] | None = None, env_file: Path | None = Path(".env")) -> Settings:
    """Settings from the environment, which wins, and from ``env_file`` where it exists.

    ``environ`` None stands for the process's own environment, ``env_file`` None for no file. Raises
    ConfigurationError with every fault at once.
    """
    written, faults = _written(env_file)
    surrounding = dict(os.environ if environ is None else environ)
    values = {name: text.strip() for name, text in {**written, **surrounding}.items() if text.strip()}
    if values.get("SHIPMATE_PORT", "").startswith("tcp://"):
        del values["SHIPMATE_PORT"]  # also Kubernetes' doing, see _KUBERNETES_LINK
    if "SHIPMATE_CONFIG" not in values and DEFAULT_CONFIG.is_file():
        values["SHIPMATE_CONFIG"] = str(DEFAULT_CONFIG)
    settings: Settings | None = None
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        faults.extend(
            f"{fault['loc'][0]}: {fault['msg'].removeprefix('Value error, ')}"
            for fault in error.errors()
            if fault["type"] != "default_factory_not_called"  # only says that another field has a fault
        )
    faults.extend(_contradictions(values))
    faults.extend(_misspelt(values, set(written)))
    if faults or settings is None:
        raise ConfigurationError(faults) from None
    return settings


def _written(env_file: Path | None) -> tuple[dict[str, str], list[str]]:
    """What a ``.env`` file holds, and which of its lines make no sense (not their text: it may be secret).

    Values are taken as written: a ``$`` in a password is no reference to another variable.
    """
    if env_file is None or not env_file.exists():
        return {}, []
    try:
        bindings = list(parse_stream(StringIO(env_file.read_text(encoding="utf-8-sig"))))
    except (OSError, UnicodeDecodeError):
        return {}, [f"{env_file}: cannot be read; it must be a text file in UTF-8 that this user may read"]
    faults = [
        f"{env_file}:{binding.original.line}: is not understood; write NAME=value, one to a line"
        for binding in bindings
        if binding.error
    ]
    return {binding.key: binding.value for binding in bindings if binding.key and binding.value}, faults


def _contradictions(values: Mapping[str, str]) -> Iterator[str]:
    app = [name for name in ("GITHUB_APP_ID", "GITHUB_APP_PRIVATE_KEY") if name in values]
    if "GITHUB_TOKEN" in values and app:
        yield (
            f"GITHUB_TOKEN: is set together with {' and '.join(app)}; keep the token, or the app's two "
            "variables, not both"
        )
    elif len(app) == 1:
        absent = "GITHUB_APP_PRIVATE_KEY" if app[0] == "GITHUB_APP_ID" else "GITHUB_APP_ID"
        yield f"{absent}: is not set, but {app[0]} is; a GitHub App needs both"


def _misspelt(values: Mapping[str, str], written: set[str]) -> Iterator[str]:
    known = variables()
    for name in sorted(set(values) - set(known) - _TEST_VARIABLES):
        if name.startswith("SHIPMATE_") and not _KUBERNETES_LINK.fullmatch(name):
            mend = did_you_mean(name, known) or "; remove it (policy belongs in shipmate.yml)"
            yield f"{name}: there is no such setting{mend}"
        elif name in written and nearest(name, known, likeness=_NEAR_MISS):
            yield f"{name}: there is no such setting{did_you_mean(name, known)}"
