"""Headless Chromium, driven by its own DevTools protocol: open a page, click, type, wait for something, look.

It speaks the protocol over a websocket and needs nothing but the browser. What it does are real input events, so that
what nobody could click is not clicked. Limits: one page at a time per tab, no frames, no downloads.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
STARTS_WITHIN = 30.0
LOADS_WITHIN = 30.0
SHOWS_WITHIN = 30.0
"""Real seconds in which a page shows what comes of something, on any machine."""
_KEYS = {"Enter": 13, "Escape": 27, "Tab": 9, "ArrowUp": 38, "ArrowDown": 40, "Backspace": 8}
_SWITCHES = (
    "--headless",
    "--no-sandbox",  # it sees our own page only, and containers often lack what its own sandbox needs
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--blink-settings=primaryHoverType=2,availableHoverTypes=2,primaryPointerType=4,availablePointerTypes=4",  # a mouse
    "--remote-debugging-port=0",
)


def find_chromium() -> str | None:
    """The browser on this machine, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Chromium:
    """A browser that runs until ``stop``; tabs of any event loop may be opened in it, none with another's storage.

    A tab that was left in peace is emptied and used again: to make one takes as long as to load a page.
    """

    def __init__(self, binary: str) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="chromium-"))
        self._left: list[str] = []
        """The targets of tabs that nobody uses."""
        self._process = subprocess.Popen(
            [binary, *_SWITCHES, f"--user-data-dir={self._folder}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            self.url = self._address()
        except BaseException:
            self.stop()
            raise

    def _address(self) -> str:
        file = self._folder / "DevToolsActivePort"
        deadline = time.monotonic() + STARTS_WITHIN
        while True:
            lines = file.read_text().split() if file.exists() else []
            if len(lines) == 2:
                return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Chromium did not start (exit status {self._process.poll()})")
            time.sleep(0.02)

    def stop(self) -> None:
        """End the browser and everything it started."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    @asynccontextmanager
    async def tab(
        self, *, width: int = 1280, height: int = 800, phone: bool = False, dark: bool = False, scale: float = 1
    ) -> AsyncIterator[Tab]:
        """A tab of this size (CSS pixels); AssertionError at the end if its page ever raised or complained."""
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(self.url, max_msg_size=0, autoclose=True) as socket,
        ):
            wire = _Wire(socket)
            try:
                target = self._left.pop() if self._left else await self._new(wire)
                attached = await wire.send("Target.attachToTarget", targetId=target, flatten=True)
                tab = Tab(wire, attached["sessionId"])
                await tab.furnish(width=width, height=height, phone=phone, dark=dark, scale=scale)
                yield tab
                await tab.leave()
                self._left.append(target)
            finally:
                await wire.close()
        assert not wire.complaints, "\n".join(wire.complaints)

    async def _new(self, wire: _Wire) -> str:
        """A tab of its own: no other one shares its storage."""
        context = await wire.send("Target.createBrowserContext")
        made = await wire.send("Target.createTarget", url="about:blank", browserContextId=context["browserContextId"])
        target: str = made["targetId"]
        return target


class _Wire:
    """Commands and events of one connection."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._loaded = asyncio.Event()
        self.complaints: list[str] = []
        self._reading = asyncio.create_task(self._read())

    async def send(self, method: str, session: str | None = None, **params: Any) -> Any:
        """Give a command; its result, or RuntimeError."""
        number = next(self._numbers)
        self._waiting[number] = answer = asyncio.get_running_loop().create_future()
        frame = {"id": number, "method": method, "params": params}
        await self._socket.send_json(frame | ({"sessionId": session} if session else {}))
        return await answer

    async def load(self, session: str, url: str) -> None:
        """Go to a page, also the one we are on, and wait until it has loaded."""
        async with asyncio.timeout(LOADS_WITHIN):
            for stop in dict.fromkeys(("about:blank", url)):
                self._loaded.clear()
                await self.send("Page.navigate", session, url=stop)
                await self._loaded.wait()

    async def close(self) -> None:
        """Stop listening."""
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self) -> None:
        async for frame in self._socket:
            told = json.loads(frame.data)
            waiting = self._waiting.pop(told.get("id", 0), None)
            if waiting is not None and not waiting.done():
                if "error" in told:
                    waiting.set_exception(RuntimeError(told["error"].get("message", told["error"])))
                else:
                    waiting.set_result(told["result"])
            elif "method" in told:
                self._happened(told["method"], told.get("params", {}))

    def _happened(self, method: str, params: Any) -> None:
        if method == "Page.loadEventFired":
            self._loaded.set()
        elif method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.complaints.append(" ".join(str(one.get("value", one.get("description"))) for one in params["args"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            entry = params["entry"]
            if entry["source"] != "network":  # the page tells people of a refused request by itself
                self.complaints.append(f"{entry['source']}: {entry['text']}")


class Tab:
    """One page, as somebody in front of it uses it. Selectors are CSS; ``words`` narrows to what shows them."""

    def __init__(self, wire: _Wire, session: str) -> None:
        self._wire = wire
        self._session = session

    async def furnish(self, *, width: int, height: int, phone: bool, dark: bool, scale: float) -> None:
        """Make the screen: its size, and what it says of itself."""
        for domain in ("Page", "Runtime", "Log"):
            await self._send(f"{domain}.enable")
        await self._send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=phone
        )
        await self._send("Emulation.setTouchEmulationEnabled", enabled=phone)
        await self._send("Emulation.setFocusEmulationEnabled", enabled=True)
        await self._send(
            "Emulation.setEmulatedMedia",
            features=[
                {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
                {"name": "prefers-reduced-motion", "value": "reduce"},
            ],
        )

    async def load(self, url: str) -> None:
        """Go to any page, and wait until the browser has loaded it."""
        await self._wire.load(self._session, url)

    async def open(self, url: str) -> None:
        """Go to the sandbox's page and wait until its live line is up."""
        await self._wire.load(self._session, url)
        await self.until("document.querySelector('#line')?.dataset.state === 'live'")

    async def leave(self) -> None:
        """Forget everything that the page kept, and go away from it."""
        await self.evaluate("sessionStorage.clear(), localStorage.clear()")
        await self._wire.load(self._session, "about:blank")

    async def evaluate(self, expression: str) -> Any:
        """What a JavaScript expression gives, promises awaited."""
        answer = await self._send("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise RuntimeError(details.get("exception", {}).get("description") or details["text"])
        return answer["result"].get("value")

    async def until(self, expression: str, *, within: float = SHOWS_WITHIN) -> None:
        """Wait until an expression is true; AssertionError with what the page says after ``within`` seconds."""
        came = await self.evaluate(
            f"""new Promise((resolve) => {{
              const end = performance.now() + {within * 1000};
              const look = () => {{
                if ({expression}) resolve(true);
                else if (performance.now() > end) resolve(false);
                else setTimeout(look, 10);
              }};
              look();
            }})"""
        )
        if not came:
            says = "\n".join(await self.said("main, aside, dialog, .toasts"))
            raise AssertionError(f"never came true: {expression}\nThe page says:\n{says}")

    async def sees(self, selector: str, words: str = "", *, within: float = SHOWS_WITHIN) -> None:
        """Wait until something is shown that matches, and shows these words."""
        await self.until(_found(selector, words), within=within)

    async def misses(self, selector: str, words: str = "", *, within: float = SHOWS_WITHIN) -> None:
        """Wait until nothing is shown that matches and shows these words."""
        await self.until(f"!({_found(selector, words)})", within=within)

    async def said(self, selector: str) -> list[str]:
        """The words of everything that is shown and matches, in the page's order."""
        found: list[str] = await self.evaluate(
            f"[...document.querySelectorAll({json.dumps(selector)})].filter((one) => one.checkVisibility())"
            ".map((one) => one.innerText ?? one.textContent)"
        )
        return found

    async def hover(self, selector: str, words: str = "") -> tuple[float, float]:
        """Point at the last thing that matches and shows these words; AssertionError if something covers it."""
        await self.sees(selector, words)
        spot = await self.evaluate(
            f"(() => {{ const one = {_found(selector, words)};"
            " one.scrollIntoView({block: 'nearest', behavior: 'instant'});"
            " const box = one.getBoundingClientRect();"
            " const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];"
            " const top = document.elementFromPoint(x, y);"
            " const covered = one.contains(top) || top?.contains(one) ? null : top?.outerHTML.slice(0, 200);"
            " return {x, y, covered}; })()"
        )
        assert spot["covered"] is None, f"{selector} {words!r} is covered by {spot['covered']}"
        x, y = float(spot["x"]), float(spot["y"])
        await self._send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        return x, y

    async def click(self, selector: str, words: str = "") -> None:
        """Click what ``hover`` points at, with a real mouse."""
        async with self.pressed(selector, words):
            pass

    @asynccontextmanager
    async def pressed(self, selector: str, words: str = "") -> AsyncIterator[None]:
        """Hold the mouse's button down on what ``hover`` points at, as people do for a tenth of a second."""
        x, y = await self.hover(selector, words)
        await self._send("Input.dispatchMouseEvent", type="mousePressed", x=x, y=y, button="left", clickCount=1)
        yield
        await self._send("Input.dispatchMouseEvent", type="mouseReleased", x=x, y=y, button="left", clickCount=1)

    async def type(self, text: str) -> None:
        """Type into what has the focus."""
        await self._send("Input.insertText", text=text)

    async def write(self, selector: str, text: str) -> None:
        """Put text into a field in the place of what is there."""
        await self.click(selector)
        await self.evaluate("document.activeElement.select?.()")
        await self.type(text)

    async def press(self, key: str, *, alt: bool = False) -> None:
        """Press a key (``Enter``, ``Escape``, ``ArrowDown``, ``/`` …)."""
        code = _KEYS.get(key, ord(key[0].upper()))
        text = {"text": "\r"} if key == "Enter" else {"text": key} if len(key) == 1 else {}
        about = {"key": key, "code": key, "windowsVirtualKeyCode": code, "modifiers": int(alt)}
        await self._send("Input.dispatchKeyEvent", type="keyDown", **about, **text)
        await self._send("Input.dispatchKeyEvent", type="keyUp", **about)

    async def choose(self, selector: str, value: str) -> None:
        """Choose an option of a native select, or settle a date or time, as the browser does it."""
        await self.sees(selector)
        await self.evaluate(
            f"(() => {{ const one = document.querySelector({json.dumps(selector)}); one.value = {json.dumps(value)};"
            " one.dispatchEvent(new Event('input', {bubbles: true}));"
            " one.dispatchEvent(new Event('change', {bubbles: true})); })()"
        )

    async def picture(self) -> bytes:
        """What is seen, as PNG."""
        answer = await self._send("Page.captureScreenshot", format="png", optimizeForSpeed=False)
        return base64.b64decode(answer["data"])

    async def _send(self, method: str, **params: Any) -> Any:
        return await self._wire.send(method, self._session, **params)


def _found(selector: str, words: str) -> str:
    return (
        f"[...document.querySelectorAll({json.dumps(selector)})].filter((one) => one.checkVisibility()"
        f" && (one.innerText ?? one.textContent).includes({json.dumps(words)})).at(-1)"
    )
