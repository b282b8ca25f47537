"""The web server of the stage view: four kinds of files, and a socket that tells what changes.

No page can hold up another, or the engine. A page that reads slowly is sent nothing until it has
read what it was sent; then it gets the difference from there to the present, at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import traceback
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from latentlive.errors import EngineError, LatentliveError, reason
from latentlive.stage.access import Access
from latentlive.stage.differing import State, difference

PAGE = Path(__file__).with_name("page")

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}

SAFE = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}

LOOK_EVERY = 0.1
"""Seconds between looks at the engine, while a page is open."""

ALONE_EVERY = 1.0
"""Seconds between them while none is."""

MOST_PAGES = 64
LARGEST = 8192
"""Bytes of a message from a page."""

WRITTEN_AHEAD = 1 << 16
"""Bytes that may wait for a page that does not read."""

A_SECOND = 60
"""Messages that a page may send in a second; more are dropped."""

READ_ONLY = "this page only shows: open the address with the token to point"

QUIET = logging.getLogger(f"{__name__}.quiet")
"""What strangers say wrong is no line for a performer."""
QUIET.addHandler(logging.NullHandler())
QUIET.propagate = False

Do = Callable[[Any], Awaitable[str]]


class Site:
    """The page and its socket.

    Parameters
    ----------
    access : Access
    state : function
        Returns the present state; called in a thread.
    chart : function
        Returns the map as JSON.
    do : function of a message
        Does what a page asks for, and returns a line about it, or an empty one.
    """

    def __init__(
        self, access: Access, state: Callable[[], State], chart: Callable[[], bytes], do: Do
    ) -> None:
        self._access, self._state, self._chart, self._do = access, state, chart, do
        self._files = {
            f"/{path.name}": (TYPES[path.suffix], path.read_bytes())
            for path in PAGE.iterdir()
            if path.suffix in TYPES
        }
        self._files["/"] = self._files["/index.html"]
        self._version, self._now = 0, State()
        self._news = asyncio.Condition()
        self._patches: dict[tuple[int, int], str] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._pages, self._came = 0, asyncio.Event()

    async def run(self, host: str, port: int, begun: Callable[[int], object]) -> None:
        """Serve until cancelled, or until the state says that the engine has ended.

        Parameters
        ----------
        begun : function of the port

        Raises
        ------
        EngineError
            ``stage: cannot listen on port 80: Permission denied; ...``
        """
        serving = serve(
            self._page,
            host,
            port,
            process_request=self._answer,
            compression=None,
            max_size=LARGEST,
            max_queue=4,
            write_limit=WRITTEN_AHEAD,
            server_header=None,
            logger=QUIET,
            ping_interval=10,
            ping_timeout=20,
            close_timeout=1,
            open_timeout=5,
        )
        async with contextlib.AsyncExitStack() as opened:
            try:
                server = await opened.enter_async_context(serving)
            except (OSError, OverflowError) as error:
                why = reason(error) if isinstance(error, OSError) else error
                raise EngineError(
                    f"stage: cannot listen on port {port}: {why}; --stage 0 takes a free one"
                ) from None
            begun(next(iter(server.sockets)).getsockname()[1])
            await self._follow()

    async def _follow(self) -> None:
        """Look at the engine again and again, until it has ended."""
        while not self._now.get("ended"):
            try:
                state = await asyncio.to_thread(self._state)
            except Exception as error:  # noqa: BLE001 - whatever cannot be shown, the page goes on
                state = self._fault(error)
            async with self._news:
                if state != self._now:
                    self._version, self._now = self._version + 1, state
                    self._patches.clear()
                    self._news.notify_all()
            self._came.clear()
            with contextlib.suppress(TimeoutError):
                pause = LOOK_EVERY if self._pages else ALONE_EVERY
                await asyncio.wait_for(self._came.wait(), pause)
        await asyncio.sleep(ALONE_EVERY)  # pages are told

    def _fault(self, error: Exception) -> State:
        """Return the last state with a line about a fault of our own; its log has the whole."""
        traceback.print_exception(error)
        lines = {**self._now.get("lines", {}), "0": f"stage: a fault of its own: {error!r}"}
        return {**self._now, "lines": lines}

    def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """Return the answer to a request; None lets the socket open."""
        headers = request.headers
        hosts, origins = headers.get_all("Host"), headers.get_all("Origin")
        if not self._access.knows_host(hosts):
            return told(HTTPStatus.FORBIDDEN, "this page is not served under that name")
        if not self._access.knows_origin(origins, hosts[0]):
            return told(HTTPStatus.FORBIDDEN, "a page of another site asks")
        url = urlsplit(request.path)
        token = parse_qs(url.query).get("token", [None])[0]
        if token is not None and not self._access.right(token):
            return told(HTTPStatus.FORBIDDEN, "wrong token: open the printed address")
        if url.path == "/live":
            if not origins and "Sec-Fetch-Mode" in headers:
                return told(HTTPStatus.FORBIDDEN, "a browser says where it asks from")
            if self._pages >= MOST_PAGES:
                return told(HTTPStatus.SERVICE_UNAVAILABLE, f"{MOST_PAGES} pages are open")
            return None
        if url.path == "/map.json":
            return answer(HTTPStatus.OK, "application/json", self._chart())
        if url.path == "/hello":
            return told(HTTPStatus.OK, "welcome")
        found = self._files.get(url.path)
        return answer(HTTPStatus.OK, *found) if found else told(HTTPStatus.NOT_FOUND, "nothing")

    async def _page(self, page: ServerConnection) -> None:
        """Tell a page what there is and what changes, and do what it asks for."""
        assert page.request is not None
        token = parse_qs(urlsplit(page.request.path).query).get("token", [None])[0]
        points = self._access.may_point(token, str(page.remote_address[0]))
        if not self._pages:
            self._came.set()
        self._pages += 1
        asked = asyncio.create_task(self._asked(page, points))
        try:
            await self._tell(page, points)
        except ConnectionClosed:
            return  # it left, or did not answer
        finally:
            self._pages -= 1
            asked.cancel()

    async def _tell(self, page: ServerConnection, points: bool) -> None:
        known, before = -1, State()
        while True:
            async with self._news:
                while self._version in (0, known):
                    await self._news.wait()
                version, state = self._version, self._now
            if known < 0:
                text = json.dumps({"points": points, "state": state}, separators=(",", ":"))
            else:
                text = self._patch(known, version, before, state)
            await page.send(text)
            known, before = version, state

    def _patch(self, known: int, version: int, before: State, state: State) -> str:
        """Return the difference of two states as a message; pages mostly need the same."""
        if version != self._version:
            return json.dumps({"patch": difference(before, state)}, separators=(",", ":"))
        key = known, version
        if key not in self._patches:
            patch = {"patch": difference(before, state)}
            self._patches[key] = json.dumps(patch, separators=(",", ":"))
        return self._patches[key]

    async def _asked(self, page: ServerConnection, points: bool) -> None:
        """Do what a page asks for, so many times a second at most."""
        loop, left, since = asyncio.get_running_loop(), float(A_SECOND), 0.0
        with contextlib.suppress(ConnectionClosed):
            async for text in page:
                now = loop.time()
                left, since = min(left + (now - since) * A_SECOND, float(A_SECOND)), now
                if left < 1.0:
                    continue
                left -= 1.0
                task = asyncio.create_task(self._done(page, text, points))
                self._tasks.add(task)  # the loop itself would forget it
                task.add_done_callback(self._tasks.discard)

    async def _done(self, page: ServerConnection, text: str | bytes, points: bool) -> None:
        """Do what a page asks for; tell it the line about that, if there is one."""
        try:
            line = READ_ONLY
            if points:
                line = await self._do(json.loads(text))
        except (ValueError, RecursionError):
            line = "stage: what came is not JSON"
        except LatentliveError as error:
            line = str(error)
        if line:
            with contextlib.suppress(ConnectionClosed):
                await page.send(json.dumps({"told": line}))


def answer(status: HTTPStatus, kind: str, body: bytes) -> Response:
    """Return an answer of HTTP."""
    headers = Headers({"Content-Type": kind, "Content-Length": str(len(body)), **SAFE})
    headers["Connection"] = "close"
    return Response(status.value, status.phrase, headers, body)


def told(status: HTTPStatus, line: str) -> Response:
    """Return an answer that is a line."""
    return answer(status, "text/plain; charset=utf-8", f"{line}\n".encode())
