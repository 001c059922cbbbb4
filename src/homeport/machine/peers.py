"""Whose process is at the other end of a local connection, and which uid an account has.

Linux tells by an exact question about the four numbers of the connection (20 µs). A socket that is closing has inode 0
and claims to be root's (FIN_WAIT2 after close, TIME_WAIT): that is not known, and never root. Other systems tell
nothing without privileges; the answer then says so.
"""

from __future__ import annotations

import errno
import os
import sys

from homeport.model.access import Peer
from homeport.model.errors import HomeportError

ROOT = 0
_PASSING = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.EAGAIN, errno.EINTR, errno.EBUSY})


def peer_of(client: object, server: object) -> Peer:
    """Both ends as the accepting socket names them: (host, port, …)."""
    if not tells_accounts():
        return Peer(why="this system does not tell whose process a connection is", can_tell=False)
    if not (isinstance(client, tuple) and isinstance(server, tuple)):
        return Peer(why="it is no TCP connection")
    from homeport.machine import sock_diag

    try:
        row = sock_diag.tcp_connection(client[0], client[1], server[0], server[1])
    except TimeoutError:
        return Peer(why="the kernel did not answer in time")
    except OSError as error:
        # Out of descriptors, say, which a crowd of connections can bring about: nobody gets in by that.
        can_tell = error.errno in _PASSING
        return Peer(why=f"the kernel does not tell ({error.strerror or error})", can_tell=can_tell)
    except ValueError:
        return Peer(why="it does not come from this computer")
    if row is None:
        return Peer(why="no socket of this computer, or of this container, is its other end")
    if not row.inode:
        return Peer(why="its other end is closed")
    return Peer(uid=row.uid)


def why_not_ours(client: object, server: object) -> str:
    """Why the other end is no process of our own user or root's: a clause, or "" also where the system never tells."""
    peer, own = peer_of(client, server), own_uid()
    if own is None or not peer.can_tell or peer.uid in (own, ROOT):
        return ""
    return peer.why or "it is a process of another user"


def tells_accounts() -> bool:
    """Whether this system says whose a connection is, to everybody and exactly."""
    return sys.platform.startswith("linux")


def own_uid() -> int | None:
    return os.getuid() if sys.platform != "win32" else None


def uid_of(account: str | int) -> int:
    """Raises HomeportError("bad-usage") for an account that this computer does not have."""
    if isinstance(account, int):
        return account
    if sys.platform == "win32":
        raise HomeportError("unsupported", "Windows does not tell whose process a connection is")
    import pwd

    try:
        return pwd.getpwnam(account).pw_uid
    except KeyError:
        raise HomeportError("bad-usage", f"this computer has no user {account!r}", "getent passwd") from None
