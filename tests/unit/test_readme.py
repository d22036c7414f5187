"""What the README names is there: files, headings, settings, words, verbs, routes, scenes, keys of shipmate.yml."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
import yaml

from bot.catalog import load_catalog
from bot.cli import application
from bot.sandbox.story import SCENES
from bot.settings import variables
from handlers.api.description import description
from handlers.slack import words
from handlers.webhooks import SOURCES

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FENCED = re.compile(r"^( *)```(\w+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
POLICY = {"services", "teams", "trains", "paging", "incidents"}
"""Keys by which an example of shipmate.yml is told from one of somebody else's file."""
OF_EACH_FEATURE = ("models.py", "views.py")
"""Files that the table speaks of without saying in which folder."""


def examples(language: str) -> list[str]:
    """The fenced examples in one language."""
    return [body for _, named, body in FENCED.findall(README) if named == language]


def verbs(group: typer.Typer, before: str = "") -> Iterator[str]:
    """Every verb of the command line, ``gate check`` as well as ``serve``."""
    for command in group.registered_commands:
        yield f"{before}{command.name}"
    for below in group.registered_groups:
        assert below.typer_instance is not None
        yield from verbs(below.typer_instance, f"{before}{below.name} ")


def test_every_file_and_heading_it_links_to_is_there() -> None:
    headings = {
        re.sub(r"[^\w -]", "", heading.casefold()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", README, re.MULTILINE)
    }
    links = [*re.findall(r"\]\(([^)\s]+)\)", README), *re.findall(r'src="([^"]+)"', README)]
    here = [link for link in links if not link.startswith("https://")]
    assert here
    assert [link for link in here if link.startswith("#") and link[1:] not in headings] == []
    assert [link for link in here if not link.startswith("#") and not (ROOT / link).exists()] == []


def test_every_part_of_the_tree_it_names_is_there() -> None:
    """``…`` and ``<…>`` stand for any name."""
    named = re.findall(r"`((?:bot|handlers|templates|tests|docs)/[^`\s]*)`", README)
    assert named
    patterns = {path: re.sub(r"…|<\w+>", "*", path).rstrip("/") for path in named}
    assert [path for path, pattern in patterns.items() if not list(ROOT.glob(pattern))] == []


def test_every_module_that_the_table_names_is_there() -> None:
    """``bot/trains/``: `sealing`, `departing` … name modules or folders beside each other."""
    table = README[README.index("## Where do I find …?") : README.index("## The paths through the house")]
    missing = []
    for cell in re.findall(r"^\|[^|]+\|([^|]+)\|$", table, re.MULTILINE):
        folder: Path | None = None
        for name in re.findall(r"`([^`]+)`", cell):
            if "/" in name:
                path = ROOT / name.rstrip("/")
                folder = path if path.is_dir() else path.parent
            elif folder is not None and name not in OF_EACH_FEATURE and re.fullmatch(r"[a-z_]+(\.py)?", name):
                beside = folder / name.removesuffix(".py")
                missing += [] if beside.is_dir() or beside.with_suffix(".py").is_file() else [f"{folder.name}/{name}"]
    assert missing == []


def test_every_setting_it_names_is_one() -> None:
    named = set(re.findall(r"\b((?:SHIPMATE|SLACK|GITHUB|PAGERDUTY|DATABASE|[A-Z]+_WEBHOOK)_[A-Z_]+)\b", README))
    read_by_tests = {name for name in named if f"({name}=" in README}
    assert "SLACK_BOT_TOKEN" in named
    assert named - read_by_tests - set(variables()) == set()


def test_every_word_of_the_slash_commands_is_listed_and_is_one() -> None:
    table = README[README.index("## In Slack") : README.index("## Operating it")]
    # A row may name several: `/ship promote …`, `/ship rollback …`.
    assert set(words.names()) <= set(re.findall(r"/ship (\w+)", table))
    assert set(re.findall(r"`/ship (\w+)", README)) <= set(words.names())
    hints = yaml.safe_load((ROOT / "manifest.yml").read_text(encoding="utf-8"))["features"]["slash_commands"]
    incident = next(one["usage_hint"] for one in hints if one["command"] == "/incident")
    known = {part.split()[0] for part in incident.split(" | ")}
    assert set(re.findall(r"`/incident (\w+)", README)) == known


def test_every_verb_and_flag_it_shows_is_one() -> None:
    known = set(verbs(application()))
    shown = re.findall(r"(?:\$|`|&&) ?(?:shipmate|\.venv/bin/python -m bot) ([a-z]+)(?: ([a-z]+))?", README)
    assert shown
    assert [pair for pair in shown if pair[0] not in known and " ".join(pair) not in known] == []


def test_every_target_of_make_is_one() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    assert set(re.findall(r"[`$] ?make ([a-z]+)", README)) <= targets


def test_every_route_it_names_is_described_or_served() -> None:
    paths = set(description()["paths"])
    named = set()
    for path in re.findall(r"(/(?:api/v1|gate)/[\w{},./-]+)", README):
        listed = re.fullmatch(r"(.*)\{(\w+(?:,\w+)+)\}", path)
        named |= {f"{listed[1]}{one}" for one in listed[2].split(",")} if listed else {path.rstrip(".,")}
    known = {re.sub(r"\{\w+\}", r"[\\w{}-]+", path) for path in paths} | {"/api/v1/openapi.json"}
    assert [path for path in named if not any(re.fullmatch(pattern, path) for pattern in known)] == []
    assert set(re.findall(r"/webhooks/(\w+)(?!\w*\.)(?=[`\s])", README)) <= set(SOURCES)


def test_the_table_of_alert_sources_names_all_that_are_heard() -> None:
    table = README[README.index("## Alert sources") : README.index("**Whose an alert is.**")]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(SOURCES) - {"github"}


def test_every_scene_it_recommends_can_be_played() -> None:
    demo = README[README.index("## Try it") : README.index("## Connect your workspace")]
    named = re.findall(r"(?<![*\w])\*([a-z][^*]+)\*(?![*\w])", demo)
    assert named
    assert [" ".join(name.split()) for name in named if " ".join(name.split()) not in SCENES] == []


@pytest.mark.parametrize("example", [one for one in examples("yaml") if POLICY & set(yaml.safe_load(one))])
def test_every_piece_of_shipmate_yml_it_shows_can_be_used(example: str, tmp_path: Path) -> None:
    """Where it speaks of services or teams that another piece describes, these are added."""
    policy = yaml.safe_load(example)
    services, teams = policy.setdefault("services", {}), policy.setdefault("teams", {})
    for named in [*services.values(), *policy.get("trains", {}).values()]:
        for other in [*named.get("depends_on", []), *named.get("services", [])]:
            services.setdefault(other, {"environments": ["staging", "production"]})
    for service in list(services.values()):
        if "team" in service:
            teams.setdefault(service["team"], {"channel": "#payments"})
    file = tmp_path / "shipmate.yml"
    file.write_text(yaml.safe_dump(policy), encoding="utf-8")
    assert load_catalog(file, default_channel="#deploys").services
