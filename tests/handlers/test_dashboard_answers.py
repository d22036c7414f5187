"""What the dashboard's door answers: what it says to a browser, and that hostile words stay words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlmodel import Session, select

from bot import outbox
from bot.catalog import Catalog
from bot.deploys import service as deploys
from bot.events import Human
from bot.reactions import Reactions
from handlers.api.dashboard import COUNTED_AGAIN, PAGE, REFRESHES, SHARED_AT_MOST, shared_for
from tests.handlers.board import NOON, TOKEN, Opened, basic, opened
from tests.unit.reports import REPO, carrying, merged, pull, report

HOSTILE = '<script>alert(1)</script> "><img src=x onerror=alert(2)> javascript:alert(3) \u202egnp.exe'


@pytest.fixture
async def there(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Opened]:
    """A dashboard that a token opens too."""
    async for one in opened(sqlite_url, tmp_path, SHIPMATE_API_TOKEN=TOKEN):
        yield one


@pytest.mark.parametrize("path", ["/", "/?service=nothing", "/dashboard/open", "/dashboard/open?pass=x"])
@pytest.mark.parametrize("headers", [{}, basic(TOKEN)])
async def test_every_answer_lets_nothing_in_from_elsewhere_and_tells_nobody(
    there: Opened, path: str, headers: dict[str, str]
) -> None:
    answer = await there.get(path, **headers)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"


async def test_style_and_script_are_ours_and_kept_only_by_their_present_address(there: Opened) -> None:
    words = await (await there.get("/", **basic(TOKEN))).text()
    for name, kind in (("board.css", "text/css"), ("board.js", "text/javascript")):
        address = next(part for part in words.split('"') if name in part)
        assert urlsplit(address).netloc == ""
        kept = await there.get("/" + address.removeprefix("./"))
        assert (kept.status, kept.content_type) == (200, kind)
        assert "immutable" in kept.headers["Cache-Control"]
        assert (await there.get(f"/dashboard/{name}")).headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/?service=ovne", "did you mean “oven”?"),
        ("/?team=baker", "did you mean “bakers”?"),
        ("/?service=%3Cscript%3E", "I know no service “&lt;script&gt;”"),
        ("/?team=%00%ff", "I know no team"),
    ],
)
async def test_an_unknown_name_is_not_found_with_the_nearest(there: Opened, path: str, said: str) -> None:
    answer = await there.get(path, **basic(TOKEN))
    assert answer.status == 404
    assert said in await answer.text()
    assert "<script>" not in await answer.text()


@pytest.mark.parametrize("path", ["/?team=&service=", "/?service=OVEN", "/?team=bakers&service=oven", "/?other=1"])
async def test_what_is_empty_or_unknown_narrows_nothing(there: Opened, path: str) -> None:
    assert (await there.get(path, **basic(TOKEN))).status == 200


async def test_hostile_words_stay_words(there: Opened) -> None:
    """A title, an address, a name: all of it from outside."""
    catalog = there.bot.catalog

    def happens(session: Session) -> None:
        reactions = Reactions(catalog, "https://github.com")
        reactions.react(session, [merged(812, "b", title=HOSTILE, author=Human(name=HOSTILE))], there.now())
        reactions.react(
            session,
            [report("b", "succeeded", number="1", url="javascript:alert(4)", creator=Human(login=HOSTILE))],
            there.now(),
        )
        settle(session, catalog)

    await there.does(happens)
    words = await (await there.get("/", **basic(TOKEN))).text()
    assert "&lt;script&gt;alert(1)" in words
    assert "<script>" not in words
    assert "<img" not in words
    assert 'href="javascript' not in words
    assert "\u202e" not in words


def settle(session: Session, catalog: Catalog) -> None:
    """The forge tells what the only rollout brought."""
    deploys.range_read(
        session, catalog, 1, None, carrying(pull(812, "b", title=HOSTILE, author=Human(name=HOSTILE))), NOON
    )


async def test_figures_are_counted_anew_only_now_and_then(there: Opened) -> None:
    """Many pages ask for them all day long; what is live is as of now each time."""

    async def figures() -> str:
        return (await (await there.get("/", **basic(TOKEN))).text()).partition('id="figures"')[2]

    assert "nobody was woken" in await figures()
    catalog = there.bot.catalog

    def happens(session: Session) -> None:
        Reactions(catalog, "https://github.com").react(session, [report("b", repo=REPO, number="1")], there.now())

    await there.does(happens)
    assert "nobody was woken" in await figures()
    there.hours = COUNTED_AGAIN / timedelta(hours=1)
    assert "oven" in await figures()


async def test_pages_that_read_themselves_again_share_one_and_whoever_opens_it_gets_their_own(there: Opened) -> None:
    """Nobody is shown what another may not see: whether somebody may look is asked each time."""
    again = {**basic(TOKEN), REFRESHES: "1"}
    first = await (await there.get("/", **again)).text()
    there.hours = 0.5
    assert await (await there.get("/", **again)).text() == first
    assert await (await there.get("/", **basic(TOKEN))).text() != first, "opened: as of now"
    assert (await there.get("/", **{REFRESHES: "1"})).status == 401


def test_a_page_that_was_slow_to_make_is_not_shown_for_long() -> None:
    """A large organisation's costs little all the same; one that waited for the database is old news soon."""
    assert shared_for(0.05) == pytest.approx(1.0)
    assert shared_for(40) == SHARED_AT_MOST


async def test_a_page_of_theirs_that_breaks_in_its_thread_is_reported_all_the_same(
    sqlite_url: str, tmp_path: Path
) -> None:
    folder = tmp_path / "ours" / "pages"
    folder.mkdir(parents=True)
    (folder / "dashboard.html.j2").write_text("<main>{{ nothing_of_that_name }}</main>", encoding="utf-8")
    async for there in opened(sqlite_url, tmp_path, SHIPMATE_TEMPLATES=str(folder.parent), SHIPMATE_API_TOKEN=TOKEN):
        assert "What is live where" in await (await there.get("/", **basic(TOKEN))).text()
        await there.bot.database.write(lambda session: None)  # what was asked before it is written
        notes = await there.bot.database.read(lambda session: session.exec(select(outbox.Note)).all())
        assert [note.data["template"] for note in notes] == [PAGE]


async def test_a_template_of_the_users_own_wins_and_a_broken_one_is_passed_over(
    sqlite_url: str, tmp_path: Path
) -> None:
    folder = tmp_path / "ours" / "pages"
    folder.mkdir(parents=True)
    own = folder / "notice.html.j2"
    own.write_text("<main>Ask the harbour master</main>", encoding="utf-8")
    async for there in opened(sqlite_url, tmp_path, SHIPMATE_TEMPLATES=str(folder.parent)):
        assert "harbour master" in await (await there.get("/")).text()
        own.write_text("<main>{{ nothing_of_that_name }}</main>", encoding="utf-8")
        assert "press Dashboard" in await (await there.get("/")).text()
