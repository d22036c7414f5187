"""Templates to messages, documents and pages: Jinja2 for prose and order, Python functions for the blocks.

A template gets the view as ``view`` and each of its fields by name, the functions of ``blocks.py`` and the filters of
``text.py``. The notification text is not written twice: it is every word of the blocks, in order, so a template's first
block is what a phone shows, and a screen reader misses nothing. A user's file of the same name wins over ours; one that
breaks is passed over, and its owner told, so a fault of theirs never silences us.

Limits: this reaches only ``slack_sdk.models`` of the SDK, yet ``import slack_sdk`` itself imports the SDK's web client.
"""

from __future__ import annotations

import hashlib
import traceback
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import tzinfo
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import (
    BaseLoader,
    Environment,
    FileSystemLoader,
    StrictUndefined,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
)
from jinja2.compiler import CodeGenerator, Frame
from jinja2.nodes import Concat
from markupsafe import Markup

from bot.errors import ConfigurationError
from bot.ports import Message
from bot.rendering import documents, pages, text
from bot.rendering.blocks import BadTemplate, Page
from bot.rendering.limits import MOST_BLOCKS_OF_VIEW, VIEW_BUDGET, fit, notification

_SUFFIX = ".j2"
_Shown = tuple[Page, list[dict[str, Any]]]
"""The page once its template has run, and its blocks within Slack's limits."""
_Fit = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]


def templates_folder() -> Path:
    """Where our own templates are: beside the code in an installed package, at the top of a checkout."""
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "templates", package.parent / "templates"):
        if (folder / "cards").is_dir():
            return folder
    raise ConfigurationError([f"The message templates are missing beside {package}: install Shipmate again."])


def manifest_file() -> Path:
    """Where the Slack app's manifest is: beside the templates, wherever those are."""
    return templates_folder().parent / "manifest.yml"


class Renderer:
    """Turns a view into the message that shows it, by the template of that name.

    ``overrides`` is the user's own folder of templates. ``report(template, fault)`` is called when one of theirs breaks
    and ours is used instead: once for each template and each version of the folder. ``zone`` is by whose clock instants
    are told where Slack does not show the reader's own, unless a view names another; None = UTC.
    """

    def __init__(
        self,
        overrides: Path | None = None,
        report: Callable[[str, str], None] | None = None,
        *,
        zone: tzinfo | None = None,
    ) -> None:
        self._ours = _house()
        self._zone = zone
        self._overrides = overrides
        self._theirs: Environment | None = None
        if overrides is not None:
            self._theirs = _environment(_UsersFirst(overrides, FileSystemLoader(templates_folder())), reload=True)
        self._their_paper: Environment | None = None
        if overrides is not None:
            self._their_paper = _paper(_UsersFirst(overrides, FileSystemLoader(templates_folder())), reload=True)
        self._their_web: Environment | None = None
        if overrides is not None:
            self._their_web = _web(_UsersFirst(overrides, FileSystemLoader(templates_folder())), reload=True)
        self._report = report
        self._reported: set[tuple[str, str]] = set()
        self._field_names: dict[type, tuple[str, ...]] = {}

    def message(self, template: str, view: object, *, key: str, metadata: Mapping[str, str] | None = None) -> Message:
        """The message that ``template`` (``cards/deploy``) makes of a dataclass; ``key`` and ``metadata`` name it.

        BadTemplate, or Jinja's own error, only where a template of ours is at fault.
        """
        _, blocks = self._shown(template, self._names(view), fit)
        return Message(text=notification(blocks), blocks=blocks, key=key, metadata=dict(metadata or {}))

    def modal(self, template: str, view: object, *, callback_id: str, private_metadata: str = "") -> dict[str, Any]:
        """The modal that ``template`` (``modals/reject``) makes of a dataclass, as ``views.open`` takes it.

        ``callback_id`` is what its submission is known by, ``private_metadata`` comes back with it (3,000 characters).
        """
        page, blocks = self._shown(template, self._names(view), _fit_view)
        if not page.frame:
            raise BadTemplate("a modal needs a title: call modal()")
        return {
            "type": "modal",
            "callback_id": callback_id,
            "private_metadata": private_metadata,
            **page.frame,
            "blocks": blocks,
        }

    def home(self, template: str, view: object) -> dict[str, Any]:
        """Somebody's home tab, as ``views.publish`` takes it."""
        _, blocks = self._shown(template, self._names(view), _fit_view)
        return {"type": "home", "blocks": blocks}

    def document(self, template: str, view: object) -> str:
        """The Markdown that ``template`` (``documents/postmortem.md``) makes of a dataclass.

        Jinja's own error only where a template of ours is at fault.
        """
        return self._made(_written, self._their_paper, _our_paper(), template, view)

    def page(self, template: str, view: object) -> str:
        """The HTML that ``template`` (``pages/dashboard.html``) makes of a dataclass with ``now`` and ``zone``.

        Jinja's own error only where a template of ours is at fault.
        """
        return self._made(_printed_page, self._their_web, _our_web(), template, view)

    def _made(
        self,
        make: Callable[[Environment, str, Mapping[str, object]], str],
        theirs: Environment | None,
        ours: Environment,
        template: str,
        view: object,
    ) -> str:
        names = self._names(view)
        if theirs is not None:
            try:
                return make(theirs, template, names)
            except Exception as fault:  # noqa: BLE001 (a user's template can raise anything)
                self._tell(template, fault)
        return make(ours, template, names)

    def _shown(self, template: str, names: Mapping[str, object], fitted: _Fit) -> _Shown:
        with text.told_in(_zone_of(names["view"]) or self._zone):
            return self._rendered(template, names, fitted)

    def _rendered(self, template: str, names: Mapping[str, object], fitted: _Fit) -> _Shown:
        if self._theirs is None:
            return _render(self._ours, template, names, fitted)
        try:
            return _render(self._theirs, template, names, fitted)
        except Exception as fault:  # noqa: BLE001 (a user's template can raise anything)
            shown = _render(self._ours, template, names, fitted)
            self._tell(template, fault)
            return shown

    def _names(self, view: object) -> dict[str, object]:
        """What a template calls things: the view, and each of its fields."""
        kind = type(view)
        if kind not in self._field_names:
            if not is_dataclass(view):
                raise TypeError(f"a view is a dataclass, not {kind.__name__}")
            self._field_names[kind] = tuple(field.name for field in fields(view))
        return {"view": view, **{name: getattr(view, name) for name in self._field_names[kind]}}

    def _tell(self, template: str, fault: Exception) -> None:
        if self._report is None or self._overrides is None:
            return
        version = (template, _fingerprint(self._overrides))
        if version not in self._reported:
            self._reported.add(version)
            self._report(template, _explained(fault))


def _render(environment: Environment, template: str, names: Mapping[str, object], fitted: _Fit = fit) -> _Shown:
    page = Page()
    output = environment.get_template(template + _SUFFIX).render(page.functions, **names)
    blocks = fitted(page.collect(output))
    if not notification(blocks).strip():
        raise BadTemplate("the message says nothing")
    return page, blocks


def _written(environment: Environment, template: str, names: Mapping[str, object]) -> str:
    output = documents.tidy(environment.get_template(template + _SUFFIX).render(**names))
    if not output.strip():
        raise BadTemplate("the document says nothing")
    return output


def _printed_page(environment: Environment, template: str, names: Mapping[str, object]) -> str:
    output = environment.get_template(template + _SUFFIX).render(**names)
    if "<main" not in output:
        raise BadTemplate("the page has no <main>: that is what is read again and again, and what readers jump to")
    return output


def _zone_of(view: object) -> ZoneInfo | None:
    """The zone that a view, or the card that it is about, is told in (``zone``); None where that is nobody's."""
    zone = getattr(view, "zone", None) or getattr(getattr(view, "card", None), "zone", None)
    try:
        return ZoneInfo(zone) if isinstance(zone, str) and zone else None
    except (KeyError, ValueError, OSError):  # what a zone was called once, or never was one
        return None


def _fit_view(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return fit(blocks, MOST_BLOCKS_OF_VIEW, VIEW_BUDGET)


def _fingerprint(folder: Path) -> str:
    """Changes whenever any template in the folder does: the one at fault may be one that another includes."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*" + _SUFFIX)):
        digest.update(f"{path.relative_to(folder)}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _explained(fault: Exception) -> str:
    """The fault in one line, with the template's own line where it is known."""
    if isinstance(fault, TemplateSyntaxError):
        return f"line {fault.lineno}: {fault.message}"
    lines = [frame.lineno for frame in traceback.extract_tb(fault.__traceback__) if frame.filename.endswith(_SUFFIX)]
    said = f"there is no template {fault.name}" if isinstance(fault, TemplateNotFound) else str(fault)
    said = said or type(fault).__name__
    return f"line {lines[-1]}: {said}" if lines else said


def faults_of(folder: Path) -> Mapping[str, str]:
    """By template of a folder, why it does not even parse; what goes wrong only with a view shows when it is sent."""
    loader, found = FileSystemLoader(folder), {}
    messages = _environment(loader, reload=False)
    others = {"documents": _paper(loader, reload=False), "pages": _web(loader, reload=False)}
    for path in sorted(folder.rglob("*" + _SUFFIX)):
        name = path.relative_to(folder).as_posix()
        environment = others.get(name.partition("/")[0], messages)
        try:
            environment.compile(path.read_text(encoding="utf-8"), name, str(path))
        except (TemplateError, OSError, ValueError) as fault:
            found[name] = _explained(fault)
    return found


class _UsersFirst(BaseLoader):
    """The user's folder, then ours. Jinja's ChoiceLoader would not notice a file that appears after ours was loaded."""

    def __init__(self, folder: Path, ours: BaseLoader) -> None:
        self._folder = folder
        self._theirs = FileSystemLoader(folder)
        self._ours = ours

    def get_source(self, environment: Environment, template: str) -> tuple[str, str | None, Callable[[], bool] | None]:
        """Jinja's own question: the source, where it is from, and whether that is still so."""
        try:
            return self._theirs.get_source(environment, template)
        except TemplateNotFound:
            source, path, _ = self._ours.get_source(environment, template)
            return source, path, lambda: not (self._folder / template).exists()


class _SlackCode(CodeGenerator):
    """Makes ``~`` defuse as printing does; Jinja's own would only escape for HTML."""

    def visit_Concat(self, node: Concat, frame: Frame) -> None:  # noqa: N802 (Jinja's name)
        self.write("environment.globals['_concatenate']((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")


class _SlackEnvironment(Environment):
    code_generator_class = _SlackCode


def _bare(loader: BaseLoader, *, reload: bool, finalize: Callable[[object], Markup]) -> Environment:
    return _SlackEnvironment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=reload,
    )


def _environment(loader: BaseLoader, *, reload: bool) -> Environment:
    """What messages, modals and homes are made with."""
    environment = _bare(loader, reload=reload, finalize=_printed)
    environment.globals.update(link=text.link, count=text.count, dots=text.dots, _concatenate=text.concatenate)
    environment.filters.update(
        clip=text.clip,
        code=text.code,
        duration=text.duration,
        icon=text.icon,
        join=text.join,
        mention=text.mention,
        names=text.names,
        paragraphs=text.paragraphs,
        place=text.place,
        short=text.short,
        when=text.when,
    )
    return environment


def _paper(loader: BaseLoader, *, reload: bool) -> Environment:
    """What documents are made with: Markdown, and no blocks."""
    environment = _bare(loader, reload=reload, finalize=documents.trusted)
    environment.globals.update(link=documents.link, count=text.count, _concatenate=documents.concatenate)
    environment.filters.update(
        clip=text.clip, duration=text.duration, join=documents.join, short=text.short, utc=documents.utc
    )
    return environment


def _web(loader: BaseLoader, *, reload: bool) -> Environment:
    """What web pages are made with: HTML."""
    environment = _bare(loader, reload=reload, finalize=pages.trusted)
    environment.globals.update(
        link=pages.link, count=text.count, query=pages.query, _concatenate=pages.concatenate
    )  # fmt: skip
    environment.filters.update(
        ago=pages.ago,
        clip=text.clip,
        duration=pages.duration,
        join=pages.join,
        names=pages.names,
        short=text.short,
        when=pages.when,
    )
    return environment


@cache
def _our_web() -> Environment:
    return _web(FileSystemLoader(templates_folder()), reload=False)


@cache
def _our_paper() -> Environment:
    return _paper(FileSystemLoader(templates_folder()), reload=False)


@cache
def _house() -> Environment:
    """Our own templates: compiling them is most of what a first message costs, so a process does it once."""
    return _environment(FileSystemLoader(templates_folder()), reload=False)


def _printed(value: object) -> Markup:
    """What ``{{ … }}`` prints."""
    return text.trusted(value)
