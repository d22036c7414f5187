"""Secrets and addresses: defaults, kindness, and silence about what is secret."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.errors import ConfigurationError
from bot.settings import SOURCES, Settings, load_settings, variables

ROOT = Path(__file__).parents[2]
SECRET = "hunter2-never-shown"
PRIVATE_KEY = f"-----BEGIN RSA PRIVATE KEY-----\\n{SECRET}\\n-----END RSA PRIVATE KEY-----"


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No shipmate.yml and no .env of the checkout gets into a test."""
    monkeypatch.chdir(tmp_path)


def settings(**environ: str) -> Settings:
    """Settings from exactly these variables."""
    return load_settings(environ, env_file=None)


def faults(**environ: str) -> list[str]:
    """What is found wrong with exactly these variables."""
    with pytest.raises(ConfigurationError) as raised:
        load_settings(environ, env_file=None)
    return raised.value.faults


def test_nothing_set_is_enough_to_look_around() -> None:
    """Verbs that need no tokens work in an empty environment."""
    found = settings()
    assert found.config is None
    assert found.database_url == "sqlite:///shipmate.db"
    assert (found.host, found.port, found.default_channel) == ("127.0.0.1", 8080, "#deploys")
    assert found.slack_api_url == "https://slack.com/api/"
    assert found.github_api_url == "https://api.github.com"
    assert found.pagerduty_api_url == "https://api.pagerduty.com"
    assert found.pagerduty_events_url == "https://events.pagerduty.com"
    assert found.url == "http://127.0.0.1:8080"


def test_what_is_set_is_taken(tmp_path: Path) -> None:
    """In the form that each library wants."""
    (tmp_path / "own").mkdir()
    found = settings(
        SHIPMATE_DEFAULT_CHANNEL="C0123ABCD",
        SHIPMATE_TEMPLATES="own",
        SHIPMATE_PUBLIC_URL="https://ship.example.com/",
        SLACK_API_URL="http://127.0.0.1:9/api",
        GITHUB_API_URL="https://github.example.com/api/v3/",
        PAGERDUTY_FROM="ana@example.com",
    )
    assert (found.default_channel, found.templates) == ("C0123ABCD", Path("own"))
    assert found.public_url == "https://ship.example.com"
    assert found.slack_api_url == "http://127.0.0.1:9/api/"
    assert found.github_api_url == "https://github.example.com/api/v3"
    assert found.pagerduty_from == "ana@example.com"
    assert settings(SHIPMATE_DEFAULT_CHANNEL="ship-it").default_channel == "#ship-it"


def test_serving_needs_slack_and_says_where_its_tokens_are() -> None:
    """What is missing is told before anything starts."""
    assert [fault.partition(":")[0] for fault in settings().missing_to_serve()] == [
        "SLACK_BOT_TOKEN",
        "SLACK_SIGNING_SECRET",
    ]
    assert settings(SLACK_BOT_TOKEN="xoxb-1", SLACK_SIGNING_SECRET="s").missing_to_serve() == []
    assert settings(SLACK_BOT_TOKEN="xoxb-1", SLACK_APP_TOKEN="xapp-1").missing_to_serve() == []


def test_every_fault_is_told_at_once_each_by_its_variable() -> None:
    """Nobody mends one line to be shown the next."""
    found = faults(
        SHIPMATE_PORT="eighty",
        SHIPMATE_DEFAULT_CHANNEL="The Deploys",
        DATABASE_URL="mysql://root@localhost/shipmate",
        SLACK_BOT_TOKEN="xapp-1-A",
        SLACK_API_URL="slack.com/api",
        SHIPMATE_CLOCK_URL="http://203.0.113.9:9000",
        SHIPMATE_TEMPLATES="nowhere",
        SHIPMATE_CONFIG="nowhere.yml",
        SHIPMATE_HSOT="0.0.0.0",
        GITHUB_TOKEN="t",
        GITHUB_APP_ID="7",
        PAGERDUTY_FROM="Ana",
    )
    assert sorted(fault.partition(":")[0] for fault in found) == [
        "DATABASE_URL",
        "GITHUB_TOKEN",
        "PAGERDUTY_FROM",
        "SHIPMATE_CLOCK_URL",
        "SHIPMATE_CONFIG",
        "SHIPMATE_DEFAULT_CHANNEL",
        "SHIPMATE_HSOT",
        "SHIPMATE_PORT",
        "SHIPMATE_TEMPLATES",
        "SLACK_API_URL",
        "SLACK_BOT_TOKEN",
    ]


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("SHIPMATE_PORT", "80800", "0 to 65535"),
        ("SHIPMATE_PORT", "-1", "0 to 65535"),
        ("SHIPMATE_HOST", "127.0.0.1:80/x", "without a port"),
        ("SHIPMATE_PUBLIC_URL", "https://[", "https://"),
        ("SHIPMATE_PUBLIC_URL", "https://example.com/?a=1", "after a ?"),
        ("SHIPMATE_PUBLIC_URL", "https://ana:secret@example.com", "secrets have their own variables"),
        ("SLACK_APP_TOKEN", "xoxb-1", "xapp-"),
        ("SLACK_SIGNING_SECRET", "two words", "copy it again"),
        ("GITHUB_TOKEN", "ghp_“quoted”", "copy it again"),
        ("GITHUB_APP_PRIVATE_KEY", "/etc/key.pem", "-----BEGIN"),
        ("DATABASE_URL", "sqlite:///:memory:", "dies with the bot"),
        ("DATABASE_URL", "sqlite://shipmate.db", "expected a file"),
        ("DATABASE_URL", "sqlite:///nowhere/shipmate.db", "does not exist"),
        ("DATABASE_URL", "postgresql://localhost", "names no database"),
        ("DATABASE_URL", "postgresql://u:p#1@localhost/shipmate", "%xx"),
        ("DATABASE_URL", "postgresql+asyncpg://localhost/shipmate", "driver is chosen for you"),
        ("DATABASE_URL", "shipmate.db", "sqlite:///"),
    ],
)
def test_a_wrong_value_is_answered_with_what_was_expected(variable: str, value: str, told: str) -> None:
    """Each fault says how to mend it."""
    (found,) = [fault for fault in faults(**{variable: value}) if fault.startswith(f"{variable}:")]
    assert told in found


@pytest.mark.parametrize(
    "variable",
    [name for name in variables() if re.search(r"TOKEN|SECRET|KEY$|_URL$|DATABASE", name)],
)
def test_no_value_that_may_be_secret_is_ever_in_a_fault(variable: str) -> None:
    """A wrong value ends in a log; it may be the right value of another variable."""
    for value in (f"{SECRET} {SECRET}", f"ftp://ana:{SECRET}@host/x", f"xapp-{SECRET}", f"xoxb-{SECRET} x"):
        try:
            shown = repr(load_settings({variable: value}, env_file=None))
        except ConfigurationError as error:
            shown = f"{error!r}{error}{error.__cause__}{error.__context__}"
        assert SECRET not in shown


def test_settings_can_be_printed_without_giving_a_secret_away() -> None:
    """Somebody will log the whole object one day."""
    found = settings(
        DATABASE_URL=f"postgresql://ana:{SECRET}@db/shipmate",
        GITHUB_APP_ID="7",
        GITHUB_APP_PRIVATE_KEY=PRIVATE_KEY,
        SLACK_BOT_TOKEN=f"xoxb-{SECRET}",
        **{f"{source.replace('-', '_').upper()}_WEBHOOK_SECRET": SECRET for source in SOURCES},
    )
    assert SECRET not in f"{found!r}{found}"
    assert SECRET in found.database_url


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_the_driver_of_postgresql_is_ours_to_add(scheme: str) -> None:
    """Providers hand out any of these spellings."""
    assert settings(DATABASE_URL=f"{scheme}://u:p@db:5432/s").database_url == "postgresql+psycopg://u:p@db:5432/s"


def test_a_postgresql_socket_in_the_query_is_kept() -> None:
    """A local server is reached through a socket, which only the query can name."""
    written = "postgresql://postgres@/shipmate?host=/run/postgresql"
    assert settings(DATABASE_URL=written).database_url.endswith("@/shipmate?host=/run/postgresql")


def test_an_absolute_sqlite_file_keeps_its_four_slashes(tmp_path: Path) -> None:
    """One slash fewer would be another file."""
    assert settings(DATABASE_URL=f"sqlite:///{tmp_path}/s.db").database_url == f"sqlite:///{tmp_path}/s.db"


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:9", "http://127.8.8.8:9/", "http://localhost:9", "http://[::1]:9"]
)
def test_the_clock_may_be_turned_from_this_machine(address: str) -> None:
    """The sandbox listens on loopback."""
    assert settings(SHIPMATE_CLOCK_URL=address).clock_url == address.rstrip("/")


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1.example.com/", "http://10.0.0.1/", "https://localhost.example.com"]
)
def test_nobody_elsewhere_can_turn_the_clock(address: str) -> None:
    """Whoever turns the clock opens gates that wait for time."""
    assert "on this machine" in faults(SHIPMATE_CLOCK_URL=address)[0]


def test_github_is_reached_by_a_token_or_by_an_app_never_by_half_of_one() -> None:
    """Two identities would make it a guess which one acts."""
    app = {"GITHUB_APP_ID": "7", "GITHUB_APP_PRIVATE_KEY": PRIVATE_KEY}
    key = settings(**app).github_app_private_key
    assert key is not None
    assert key.get_secret_value().count("\n") == 2
    assert "GITHUB_APP_PRIVATE_KEY: is not set" in faults(GITHUB_APP_ID="7")[0]
    assert "GITHUB_APP_ID: is not set" in faults(GITHUB_APP_PRIVATE_KEY=PRIVATE_KEY)[0]
    assert "not both" in faults(GITHUB_TOKEN="t", **app)[0]


@pytest.mark.parametrize("source", SOURCES)
def test_each_source_has_a_secret_of_its_own(source: str) -> None:
    """One leaked secret opens one door."""
    variable = f"{source.replace('-', '_').upper()}_WEBHOOK_SECRET"
    found = settings(**{variable: "abc"})
    secret = found.webhook_secret(source)
    assert secret is not None
    assert secret.get_secret_value() == "abc"
    assert [other for other in SOURCES if found.webhook_secret(other)] == [source]


def test_a_system_we_do_not_know_has_no_secret() -> None:
    """Nor does a name that only looks like one."""
    assert settings().webhook_secret("model_config") is None
    assert settings().webhook_secret("GITHUB") is None


def test_an_unknown_setting_of_ours_is_refused_with_what_was_meant() -> None:
    """A misspelt setting must not be silently without effect."""
    assert faults(SHIPMATE_DEFAULT_CHANEL="#x") == [
        "SHIPMATE_DEFAULT_CHANEL: there is no such setting; did you mean “SHIPMATE_DEFAULT_CHANNEL”?"
    ]
    assert "policy belongs in shipmate.yml" in faults(SHIPMATE_ZZZZZZZZZZ="1")[0]


def test_what_kubernetes_says_of_a_service_called_shipmate_is_not_taken_for_settings() -> None:
    """It puts these into every pod of the namespace, our own port's name among them."""
    found = settings(
        SHIPMATE_PORT="tcp://10.0.0.7:80",
        SHIPMATE_SERVICE_HOST="10.0.0.7",
        SHIPMATE_SERVICE_PORT_HTTP="80",
        SHIPMATE_PORT_80_TCP_ADDR="10.0.0.7",
    )
    assert found.port == 8080


def test_the_file_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    """A container overrides what the checkout says."""
    file = tmp_path / ".env"
    file.write_text("SHIPMATE_PORT=1000\nSHIPMATE_HOST=0.0.0.0\n# SHIPMATE_URL=x\nSHIPMATE_DEFAULT_CHANNEL=#ship\n")
    found = load_settings({"SHIPMATE_PORT": "2000"}, file)
    assert (found.port, found.host, found.default_channel) == (2000, "0.0.0.0", "#ship")
    assert found.url == "http://127.0.0.1:2000"


def test_a_dollar_in_a_password_is_no_reference(tmp_path: Path) -> None:
    """Secrets are taken as they are written."""
    file = tmp_path / ".env"
    file.write_text('GENERIC_WEBHOOK_SECRET="a${HOME}b"\n')
    secret = load_settings({}, file).generic_webhook_secret
    assert secret is not None
    assert secret.get_secret_value() == "a${HOME}b"


def test_a_misspelt_name_in_the_file_is_found_and_another_programs_name_is_not(tmp_path: Path) -> None:
    """The file is ours, but others may write into it."""
    file = tmp_path / ".env"
    file.write_text("SLACK_BOT_TOKNE=xoxb-1\nCOMPOSE_PROJECT_NAME=ship\nRANDOM_WEBHOOK=1\n")
    with pytest.raises(ConfigurationError) as raised:
        load_settings({}, file)
    assert raised.value.faults == ["SLACK_BOT_TOKNE: there is no such setting; did you mean “SLACK_BOT_TOKEN”?"]


def test_lines_of_the_file_that_make_no_sense_are_named_without_being_shown(tmp_path: Path) -> None:
    """The line may be half of a private key. The other faults are told with it."""
    file = tmp_path / ".env"
    file.write_text(f"SHIPMATE_HOST=0.0.0.0\n= {SECRET}\nSHIPMATE_PORT=x\n")
    with pytest.raises(ConfigurationError) as raised:
        load_settings({}, file)
    assert raised.value.faults[0] == f"{file}:2: is not understood; write NAME=value, one to a line"
    assert raised.value.faults[1].startswith("SHIPMATE_PORT:")
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_file_that_cannot_be_read_is_said_to_be_so(tmp_path: Path, content: bytes | None) -> None:
    """A folder by that name, or a file in another encoding."""
    file = tmp_path / ".env"
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_settings({}, file)


def test_shipmate_yml_in_the_working_folder_is_found(tmp_path: Path) -> None:
    """It is optional, and needs no setting where it lies in its usual place."""
    (tmp_path / "shipmate.yml").write_text("{}")
    assert settings().config == Path("shipmate.yml")


def test_the_processs_own_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the command line uses."""
    monkeypatch.setenv("SHIPMATE_PORT", "1234")
    assert load_settings(env_file=None).port == 1234


def test_the_example_names_every_setting_and_nothing_else() -> None:
    """A setting that nobody can find does not exist; one that does nothing misleads."""
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    named = re.findall(r"^([A-Z_]+)=", example, flags=re.MULTILINE)
    assert sorted(named) == sorted(variables())


def test_the_example_can_be_used_as_it_is() -> None:
    """Copied and not yet filled in, it means the same as no file."""
    assert load_settings({}, ROOT / ".env.example") == load_settings({}, None)
