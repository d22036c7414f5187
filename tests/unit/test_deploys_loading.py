"""From rows to views: what a template sees of a deploy or a change."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import Session, col, select

from bot import people
from bot.catalog import Catalog, PersonEntry, Service
from bot.deploys import loading, service
from bot.deploys.loading import Desk
from bot.deploys.models import Change, Deploy
from bot.deploys.views import DeployCard, Outcome, PersonView, RangeState
from bot.events import DeployReported, DeployStatus, Human, Level, ReleasePublished
from bot.ports import Member, Range
from bot.rendering import Renderer
from tests.unit.reports import ANA, BEN, BOT, CHI, REPO, carrying, catalog, commit, minute, pull, report, sha_of
from tests.unit.stores import NOON

OVEN = Service(
    name="oven",
    channel="#bakers",
    repo=REPO,
    environments=("staging", "production"),
    compare_url="https://charts.example.com/?old={{ previous.sha }}&new={{ deploy.sha }}&at={{ environment }}",
    runbook="https://runbooks.example.com/oven",
)


def desk(owner: Service = OVEN, *known: PersonEntry) -> Desk:
    """What loading needs, with these people in the catalogue."""
    plain = catalog(owner)
    here = Catalog(default_channel="#deploys", unknown=plain.unknown, services=plain.services, people=known)
    return Desk(here, "https://github.com", NOON)


HERE = desk(OVEN, PersonEntry(slack="U0ANA", github="ana", name="Ana Andrews"))


def tell(session: Session, *events: DeployReported, found: Range | None = None) -> Deploy:
    """Have this told; returns the last deploy, with what the forge says it carries."""
    for event in events:
        service.reported(session, HERE.catalog, event, NOON)
    deploy = session.exec(select(Deploy).order_by(col(Deploy.id).desc())).first()
    assert deploy is not None
    assert deploy.id is not None
    if found is not None:
        service.range_read(session, HERE.catalog, deploy.id, deploy.previous_sha, found, NOON)
    session.flush()
    return deploy


def links(card: DeployCard) -> dict[str, str]:
    """The links under a card, by name."""
    return {link.name: link.url for link in card.links}


def test_a_card_shows_the_rollout_and_what_it_carries(session: Session) -> None:
    """Times are the sender's: how long it took is from its roll-out to its end."""
    deploy = tell(
        session,
        report("a", at=0),
        report(
            "b",
            "in_progress",
            10,
            began=9,
            ref="main",
            creator=Human(login="chi[bot]", bot=True),
            percent=40,
            description="Rolling",
        ),
        report("b", "succeeded", 13, began=9, url="https://ci.example.com/9"),
        found=carrying(pull(1, "b"), commit("c", "Mend")),
    )
    card = loading.deploy_card(session, HERE, deploy)
    assert (card.service, card.environment, card.status, card.percent) == ("oven", "production", "succeeded", None)
    assert (card.began_at, card.ended_at, card.duration) == (minute(10), minute(13), timedelta(minutes=3))
    assert (card.sha, card.ref, card.previous_sha, card.first) == (sha_of("b"), "main", sha_of("a"), False)
    assert (card.creator, card.description) == (PersonView(name="chi"), "Rolling")
    assert [change.label for change in card.arriving] == ["#1", "ccccccc"]
    assert (card.leaving, card.more, card.range, card.rollback, card.stuck) == ((), 0, RangeState.COMPLETE, False, None)
    assert links(card) == {
        "Diff": f"https://github.com/{REPO}/compare/{sha_of('a')}...{sha_of('b')}",
        "Old vs new": f"https://charts.example.com/?old={sha_of('a')}&new={sha_of('b')}&at=production",
        "Run": "https://ci.example.com/9",
    }


def test_a_first_deploy_has_nothing_to_be_compared_with(session: Session) -> None:
    """It links its commit."""
    card = loading.deploy_card(session, HERE, tell(session, report("a", "in_progress", percent=40)))
    assert (card.first, card.previous_sha, card.ended_at, card.duration, card.percent) == (True, None, None, None, 40)
    assert links(card) == {"Commit": f"https://github.com/{REPO}/commit/{sha_of('a')}"}


def test_a_failure_links_the_runbook(session: Session) -> None:
    """That is when it is needed."""
    card = loading.deploy_card(session, HERE, tell(session, report("a", "failed")))
    assert links(card)["Runbook"] == "https://runbooks.example.com/oven"


def test_a_rollback_is_compared_the_other_way_round(session: Session) -> None:
    """The diff shows what was taken out."""
    deploy = tell(session, report("b", at=1), report("a", at=5), found=carrying(leaving=(pull(2, "b"),)))
    card = loading.deploy_card(session, HERE, deploy)
    assert (card.rollback, [change.label for change in card.leaving]) == (True, ["#2"])
    assert links(card)["Diff"].endswith(f"{sha_of('a')}...{sha_of('b')}")


def test_a_long_range_is_counted(session: Session) -> None:
    """Ten are named; those that the forge left out count too."""
    many = carrying(*(pull(number, "b") for number in range(1, 15)))
    card = loading.deploy_card(session, HERE, tell(session, report("b"), found=replace(many, truncated=100)))
    assert (len(card.arriving), card.more) == (10, 104)


@pytest.mark.parametrize(
    "template",
    [
        "javascript:alert({{ deploy.sha }})",
        "https://x/{{ nothing.here }}",
        "{{ previous.__class__.__mro__ }}",
        "https://x/{% if %}",
    ],
)
def test_an_address_that_cannot_be_made_or_trusted_is_left_out(session: Session, template: str) -> None:
    """The catalogue may be edited by many: a card is shown all the same."""
    deploy = tell(session, report("a", at=1), report("b", at=5))
    card = loading.deploy_card(session, desk(replace(OVEN, compare_url=template)), deploy)
    assert "Old vs new" not in links(card)


def test_a_hostile_ref_or_sha_stays_within_its_link(session: Session) -> None:
    """It is quoted."""
    event = replace(report("b", at=5), sha="x?a=1#/../..")
    card = loading.deploy_card(session, HERE, tell(session, report("a", at=1), event))
    assert links(card)["Diff"].endswith("...x%3Fa%3D1%23/../..")
    assert "new=x%3Fa%3D1%23%2F..%2F.." in links(card)["Old vs new"]


def test_a_version_is_shown_where_its_tag_is_deployed(session: Session) -> None:
    """Whichever came first; a ref that is only the sha says nothing."""
    deploy = tell(session, report("a", ref="v1"))
    assert loading.deploy_card(session, HERE, deploy).version is None
    event = ReleasePublished(repo=REPO, tag="v1", name="One", url="https://example.com", at=NOON)
    service.release_published(session, event)
    session.flush()
    assert loading.deploy_card(session, HERE, deploy).version == "One"
    assert loading.deploy_card(session, HERE, tell(session, report("b", ref=sha_of("b")))).ref is None


def test_people_are_named_as_slack_knows_them(session: Session) -> None:
    """By the catalogue's name and mentioned; else by their plain name, which is no failure."""
    deploy = tell(session, report("a"), found=carrying(pull(1, "a", coauthors=(BEN, Human(email="dee@example.com")))))
    (change,) = loading.deploy_card(session, HERE, deploy).arriving
    assert change.authors == (
        PersonView(name="Ana Andrews", slack_id="U0ANA"),
        PersonView(name="dee@example.com"),
        PersonView(name="Ben"),
    )


def test_the_merger_of_a_bots_change_is_named_in_its_stead(session: Session) -> None:
    """And a change that takes another back says so."""
    found = carrying(pull(7, "a", author=BOT, merger=CHI, reverts=3), pull(8, "b", author=BOT))
    first, second = loading.deploy_card(session, HERE, tell(session, report("b"), found=found)).arriving
    assert (first.merged_for, first.authors, first.reverts) == ("dependabot", (PersonView(name="Chi"),), "#3")
    assert (second.merged_for, second.authors) == (None, (PersonView(name="dependabot[bot]"),))


def test_a_stuck_rollout_says_since_when_and_what_is_usual(session: Session) -> None:
    """Not any more once it ended."""
    deploy = tell(session, report("a", "in_progress", 1, began=0.5, url="https://ci.example.com/9"))
    assert deploy.id is not None
    assert service.look_whether_stuck(session, deploy.id, minute(90))
    stuck = loading.deploy_card(session, HERE, deploy).stuck
    assert stuck is not None
    assert (stuck.running_since, stuck.usual, stuck.url) == (minute(1), None, "https://ci.example.com/9")
    tell(session, report("a", "succeeded", 95, began=0.5))
    assert loading.deploy_card(session, HERE, deploy).stuck is None


# --- changes ------------------------------------------------------------------------------------------------------


def only_change(session: Session) -> Change:
    """The only change there is."""
    return session.exec(select(Change)).one()


def test_a_change_shows_how_far_it_got_in_the_order_of_the_pipeline(session: Session) -> None:
    """The latest of each environment; the ones that nobody configured come last."""
    one = pull(1, "a")
    for number, (environment, status) in enumerate(
        (("production", "failed"), ("staging", "succeeded"), ("lab", "pending"), ("production", "in_progress"))
    ):
        event = report("a", status, 10 + number, environment=environment, number=str(number))
        tell(session, event, found=carrying(one))
    stages = loading.stages(session, HERE, only_change(session))
    assert [(stage.environment, stage.status.value) for stage in stages] == [
        ("staging", "succeeded"),
        ("production", "in_progress"),
        ("lab", "pending"),
    ]


def test_a_change_that_a_rollback_took_out_is_no_longer_there(session: Session) -> None:
    """Only once the rollback succeeded."""
    tell(session, report("b", at=1), found=carrying(pull(1, "b")))
    tell(session, report("a", "in_progress", 5, began=4.5), found=carrying(leaving=(pull(1, "b"),)))
    (stage,) = loading.stages(session, HERE, only_change(session))
    assert (stage.status, stage.left) == (DeployStatus.SUCCEEDED, False)
    tell(session, report("a", "succeeded", 6, began=4.5))
    (stage,) = loading.stages(session, HERE, only_change(session))
    assert (stage.left, stage.at) == (True, minute(6))


def test_a_change_that_was_dropped_from_a_deploy_is_not_shown_there(session: Session) -> None:
    """It never was aboard."""
    tell(session, report("a"), found=carrying(pull(1, "a")))
    tell(session, found=carrying())
    assert loading.stages(session, HERE, only_change(session)) == ()


def test_an_authors_card_knows_their_part_and_what_they_muted(session: Session) -> None:
    """Each of the authors sees their own."""
    tell(session, report("a"), found=carrying(pull(1, "a", coauthors=(BEN,))))
    change = only_change(session)
    people.remember(session, "github:ben", Member("U0BEN", "Ben"), NOON)
    people.choose(session, "U0BEN", f"change:{change.id}", Level.NONE, NOON)
    people.choose(session, "U0ANA", "all", Level.NONE, NOON)
    session.flush()
    ana, ben = (loading.change_card(session, HERE, change, who) for who in ("U0ANA", "U0BEN"))
    assert (ana.role, ana.muted, ana.muted_everything) == ("author", True, True)
    assert (ben.role, ben.muted, ben.muted_everything) == ("coauthor", True, False)
    assert ana.change.label == "#1"


def test_those_who_are_to_hear_are_found_where_they_can_be_reached(session: Session) -> None:
    """In Slack, or where Slack must be asked first; somebody with nothing but a name cannot be."""
    found = carrying(pull(1, "a", author=ANA, coauthors=(BEN, Human(name="Dee"))))
    tell(session, report("a"), found=found)
    places = [place for _, place in loading.author_slack_ids(session, HERE, only_change(session))]
    assert places == ["U0ANA", "who:github:ben"]


def test_a_correction_says_that_the_change_was_not_aboard(session: Session) -> None:
    """Not how the deploy went: that is not what was wrong."""
    from bot.deploys.views import ChangeNote

    tell(session, report("a"), found=carrying(pull(1, "a")))
    (change,) = loading.change_views(session, HERE, [only_change(session)]).values()
    note = ChangeNote(
        outcome=Outcome.ABSENT, change=change, role="author", service="oven", environment="production",
        status=DeployStatus.SUCCEEDED, duration=None, url=None,
    )  # fmt: skip
    said = Renderer().message("notes/change", note, key="note:1").text
    assert "Correction for your change #1 in production: this deploy of oven did not carry it" in said
