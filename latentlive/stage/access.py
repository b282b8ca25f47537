"""Who may look, and who may point: hosts, origins and the token of the printed address.

A page of another site that a browser has open can reach loopback too, by a name of its own that
leads there. So the name in ``Host`` must be one of ours, and ``Origin`` must be the same place.
"""

from __future__ import annotations

import ipaddress
import secrets
import socket
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from latentlive.errors import EngineError

LOOPBACK, EVERYWHERE = "127.0.0.1", "0.0.0.0"
HOSTS = frozenset({"localhost", LOOPBACK, "::1"})

REMOTE = (
    "stage: {host} is reached by other machines; add --public to show the page there, read-only"
)


def is_loopback(host: str) -> bool:
    """Return whether an address is this machine's own.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("192.168.1.7")
    (True, True, False)
    """
    if host in HOSTS:
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def place(given: str, public: bool = False) -> tuple[str, int]:
    """Return host and port of ``[HOST:]PORT``; without a host this machine, or all if `public`.

    Raises
    ------
    EngineError
        ``stage: expected [HOST:]PORT such as 8080, got 'http'``
    """
    host, _, port = given.rpartition(":")
    if not (port.isdecimal() and len(port) < 6 and int(port) < 65536):
        raise EngineError(f"stage: expected [HOST:]PORT such as 8080, got {given[:60]!r}")
    return host.strip("[]") or own_host(public), int(port)


def own_host(public: bool) -> str:
    """Return where to listen, if nobody says where."""
    return EVERYWHERE if public else LOOPBACK


def _host(text: str) -> str:
    """Return the host of a ``Host`` field, without its port; empty if it is malformed."""
    try:
        return urlsplit(f"//{text}").hostname or ""
    except ValueError:
        return ""


@dataclass(frozen=True)
class Access:
    """What a request may do.

    Parameters
    ----------
    public : bool
        Whether other machines may look.
    token : str
        Allows to point, on this machine.
    """

    public: bool = False
    token: str = field(default_factory=lambda: secrets.token_urlsafe(16))

    def check(self, host: str) -> None:
        """Refuse to listen where other machines can, unless told.

        Raises
        ------
        EngineError
            Naming ``--public``.
        """
        if not self.public and not is_loopback(host):
            raise EngineError(REMOTE.format(host=host))

    def knows_host(self, given: list[str]) -> bool:
        """Return whether the ``Host`` fields of a request name this machine.

        A number cannot be led elsewhere, a foreign name can.
        """
        if len(given) != 1:
            return False
        host = _host(given[0])
        if host in HOSTS:
            return True
        if not self.public:
            return False
        try:
            ipaddress.ip_address(host.partition("%")[0])
        except ValueError:
            own = socket.gethostname().casefold()
            return host.casefold() in (own, f"{own.partition('.')[0]}.local")
        return True

    def knows_origin(self, given: list[str], host: str) -> bool:
        """Return whether the ``Origin`` fields are those of our own page: of a browser, always
        one."""
        return given in ([f"http://{host}"], [])

    def right(self, token: str) -> bool:
        """Return whether a token is the one of the printed address."""
        return secrets.compare_digest(token.encode("utf-8", "replace"), self.token.encode())

    def may_point(self, token: str | None, peer: str) -> bool:
        """Return whether a client may point: with the token, from this machine."""
        return token is not None and self.right(token) and is_loopback(peer)
