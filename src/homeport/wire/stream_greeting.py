"""What a client of a TLS port says before TLS has begun: its hello, or PostgreSQL's question whether TLS is there.

PostgreSQL's clients ask in eight bytes and wait for a letter (protocol 3, "SSLRequest" and "GSSENCRequest"); any other
protocol that begins in the clear is not for us.
"""

from __future__ import annotations

from typing import Final, Literal

from homeport.wire.client_hello import ClientHello, client_hello

SSL_REQUEST: Final = bytes.fromhex("0000000804d2162f")
GSS_REQUEST: Final = bytes.fromhex("0000000804d21630")
SSL_YES: Final = b"S"
GSS_NO: Final = b"N"  # the client asks for TLS next

# Protocols that a TCP upstream may speak, by their names for ALPN (IANA). Some clients insist on being confirmed.
_OF_STREAMS = frozenset(
    {b"postgresql", b"tds/8.0", b"imap", b"pop3", b"managesieve", b"ftp", b"irc", b"nntp", b"mqtt", b"xmpp-client",
     b"xmpp-server", b"dot", b"http/1.1"}
)  # fmt: skip

Greeting = ClientHello | Literal["need more", "not TLS"]


def read_greeting(data: bytes) -> tuple[Greeting, bytes, bytes]:
    """The hello as far as it is known, what is to be answered at once, and what of `data` belongs to TLS."""
    if data and SSL_REQUEST.startswith(data[:8]) | GSS_REQUEST.startswith(data[:8]):
        if len(data) < len(SSL_REQUEST):
            return "need more", b"", data
        answer = SSL_YES if data.startswith(SSL_REQUEST) else GSS_NO
        return "need more", answer, data[len(SSL_REQUEST) :]
    return client_hello(data), b"", data


def agreed_alpn(offered: tuple[bytes, ...]) -> tuple[str, ...]:
    """What to agree to for an upstream of which nothing is known: the one protocol that the client speaks, else
    none, so that it falls back to what it would have spoken without ALPN."""
    if len(offered) == 1 and offered[0] in _OF_STREAMS:
        return (offered[0].decode(),)
    return ()
