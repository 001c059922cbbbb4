"""Error messages as they are pasted from a terminal or a browser: what each means, and the place that it names. Pure.

One row for each kind of message, the telling ones first. The finding for this machine comes from a walk afterwards.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from homeport.model.finding import Finding

# What helps: the path, the path with TLS, who holds the port, the name alone.
Look = Literal["walk", "tls", "taken", "name", "nothing"]


class Saying(msgspec.Struct, frozen=True):
    """`pattern` recognises it, `code` is the finding that it most often comes from."""

    pattern: str
    code: str
    look: Look
    means: str
    next: str = ""


SAYINGS: tuple[Saying, ...] = (
    Saying(
        r"LOCAL_NETWORK_ACCESS|local network access|loopback-network|loopback.? address space|PRIVATE_NETWORK_ACCESS",
        "local-network-access",
        "nothing",
        "the browser keeps a public page from calling this computer's loopback until its user has allowed it",
        "allow it behind the icon left of the address, or open the page itself from localhost",
    ),
    Saying(
        r"ERR_UNSAFE_PORT|NS_ERROR_PORT_ACCESS_NOT_ALLOWED|bad port|address uses a network port which is normally",
        "unsafe-port",
        "walk",
        "the browser refuses this port by a list of its own; nothing was sent",
        "give the server another port, such as 3000",
    ),
    Saying(
        r"Invalid Host(?:/Origin)? header|Blocked request\. This host|DisallowedHost|Invalid HTTP_HOST header"
        r"|Blocked hosts?:|allowedDevOrigins|Blocked cross-origin request",
        "host-check",
        "walk",
        "the server runs, and refuses the host name that it was asked for",
        "allow the name in its configuration: allowedHosts, ALLOWED_HOSTS, config.hosts or allowedDevOrigins",
    ),
    Saying(
        r"WinError 10013|WSAEACCES|forbidden by its access permissions",
        "port-excluded",
        "taken",
        "Windows does not let this port be opened: it lies in an excluded range, or somebody has it for himself",
        "netsh int ipv4 show excludedportrange protocol=tcp, and take a port outside of these ranges",
    ),
    Saying(
        r"EADDRINUSE|address already in use|Address in use|WinError 10048|WSAEADDRINUSE|Only one usage of each socket"
        r"|Errno (?:98|48)\b|port \d+ is (?:already )?(?:in use|taken|used|allocated)|port is already allocated"
        r"|bind: An attempt was made",
        "port-taken",
        "taken",
        "another program has this port already",
        "homeport ports shows who has which port",
    ),
    Saying(
        r"Errno 13\].*(?:bind|port|permission)|(?:bind|listen)\b.*(?:EACCES|permission denied)|EACCES.*:\d+"
        r"|bind\(\) to .* \(13:",
        "port-privileged",
        "taken",
        "this user may not open the port: those below 1024 are for root",
        "take a port from 1024 on",
    ),
    Saying(
        r"EMFILE|ENFILE|too many open files|Errno 24\b",
        "files-exhausted",
        "walk",
        "the program has as many files and connections open as it may",
        "ulimit -n shows the limit; see what it keeps open before you raise it",
    ),
    Saying(
        r"EADDRNOTAVAIL|Errno 99\b|can(?:no|')t assign requested address|WinError 10049",
        "ports-exhausted",
        "walk",
        "the address is not one of this computer, or no port is left for our end of the connection",
        "homeport doctor checks addresses and counts ports",
    ),
    Saying(
        r"ENOTFOUND|EAI_AGAIN|ERR_NAME_NOT_RESOLVED|Name or service not known|nodename nor servname|getaddrinfo"
        r"|could not resolve host|Temporary failure in name resolution|UnknownHostException|server not found",
        "name-not-found",
        "name",
        "the name was not found by the program that asked",
        "use 127.0.0.1 with the Host header, or write the name into /etc/hosts",
    ),
    Saying(
        r"wrong version number|WRONG_VERSION_NUMBER|ERR_SSL_PROTOCOL_ERROR|SSL_ERROR_RX_RECORD_TOO_LONG"
        r"|packet length too long|first record does not look like a TLS handshake|unknown protocol",
        "tls-not-spoken",
        "tls",
        "https was spoken to a port that speaks something else, mostly plain http",
        "try http:// instead",
    ),
    Saying(
        r"plain HTTP request was sent to HTTPS port|HTTP request to an HTTPS server|http: server gave HTTP response",
        "http-on-tls-port",
        "walk",
        "http and https were mixed up: the two ends speak different protocols",
        "try the other one of http:// and https://",
    ),
    Saying(
        r"CERT_DATE_INVALID|certificate has expired|CERT_HAS_EXPIRED|CERTIFICATE_EXPIRED|not yet valid"
        r"|CERT_NOT_YET_VALID",
        "tls-expired",
        "tls",
        "the certificate is not valid today, or this computer's clock is wrong",
        "date, and compare; then issue a new certificate",
    ),
    Saying(
        r"CERT_COMMON_NAME_INVALID|ERR_TLS_CERT_ALTNAME_INVALID|hostname mismatch|BAD_CERT_DOMAIN|doesn't match"
        r"|no alternative certificate subject name|certificate is not valid for|not valid for any names",
        "tls-wrong-name",
        "tls",
        "the certificate is for other names than the one that was opened",
        "issue one with this name in its subjectAltName",
    ),
    Saying(
        r"CERT_AUTHORITY_INVALID|certificate verify failed|self[- ]signed certificate|DEPTH_ZERO_SELF_SIGNED_CERT"
        r"|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT|SEC_ERROR_UNKNOWN_ISSUER|unknown authority"
        r"|unable to get local issuer|SSL certificate problem|PKIX path building failed|MOZILLA_PKIX_ERROR",
        "tls-untrusted",
        "tls",
        "nobody whom this program trusts has signed the certificate (browsers, Node, Python have their own stores)",
        'homeport trust, and eval "$(homeport trust --env)" for programs with a store of their own',
    ),
    Saying(
        r"ERR_PROXY_CONNECTION_FAILED|ERR_TUNNEL_CONNECTION_FAILED|ProxyError|from proxy after CONNECT|407 Proxy",
        "proxy-in-the-way",
        "walk",
        "a proxy stands in between, and does not pass this on",
        "export NO_PROXY=localhost,127.0.0.1,::1,.localhost",
    ),
    Saying(
        r"EHOSTUNREACH|ENETUNREACH|No route to host|Network is unreachable|ERR_ADDRESS_UNREACHABLE|WinError 1006[5]"
        r"|admin(?:istratively)? prohibited",
        "firewall-rejects",
        "walk",
        "an answer said that there is no way: on loopback that is a firewall, or lo is down",
        "homeport doctor looks at lo and the firewall",
    ),
    Saying(
        r"ETIMEDOUT|ERR_CONNECTION_TIMED_OUT|timed out|WinError 10060|operation timed out|Errno 110\b|took too long",
        "firewall-drops",
        "walk",
        "nothing came back: the server hangs, or a firewall drops the packets",
        "homeport doctor tells which one",
    ),
    Saying(
        r"ECONNREFUSED|connection refused|CONNECTION_REFUSED|Errno (?:111|61)\b|WinError 10061|actively refused"
        r"|refused to connect|unable to connect|Couldn't connect to server|can't establish a connection",
        "nobody-listens",
        "walk",
        "nobody listens at that address (or a firewall says so)",
        "start the server; homeport ports lists what runs",
    ),
    Saying(
        r"ECONNRESET|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET|ERR_CONNECTION_CLOSED|socket hang up|Empty reply"
        r"|connection reset|RemoteDisconnected|upstream prematurely closed",
        "upstream-closed",
        "walk",
        "the server took the connection and ended it without an answer",
        "look at its log",
    ),
)

_HOST = r"(?:\[[0-9a-fA-F:.]+\]|(?:\d{1,3}\.){3}\d{1,3}|localhost|(?:[a-z0-9_-]+\.)+localhost)"
_PLACES = (
    re.compile(
        r"(?P<scheme>https?|wss?)://(?P<host>\[[0-9a-fA-F:.]+\]|[\w.-]+)(?::(?P<port>\d{1,5}))?(?P<path>/[^\s\"'<>)]*)?"
    ),
    re.compile(rf"(?P<host>{_HOST}):(?P<port>\d{{1,5}})\b", re.IGNORECASE),
    re.compile(r"(?P<host>::1|::ffff:127\.0\.0\.1):(?P<port>\d{1,5})\b"),
    re.compile(r"\(['\"](?P<host>[\w.:]*)['\"], (?P<port>\d{1,5})"),  # Python prints addresses as tuples
    re.compile(rf"(?P<host>{_HOST})\s+(?:on\s+)?port\s+(?P<port>\d{{1,5}})", re.IGNORECASE),
    re.compile(r"\bport[ :=]+(?P<port>\d{2,5})\b", re.IGNORECASE),
    re.compile(r"(?:^|[\s*:])(?:::|\*)?:(?P<port>\d{2,5})\b"),
    re.compile(r"\b(?P<host>(?:[a-z0-9_-]+\.)+localhost)\b", re.IGNORECASE),
)
_EVERYWHERE = {"": "", "::": "", "0.0.0.0": "", "*": ""}


def recognise(text: str) -> Saying | None:
    return next((one for one in SAYINGS if re.search(one.pattern, text, re.IGNORECASE | re.DOTALL)), None)


def place_in(text: str) -> str:
    """The endpoint or URL that a message names, in the form that is asked for; '' where it names none."""
    for pattern in _PLACES:
        if not (match := pattern.search(text)):
            continue
        found = match.groupdict()
        host, port, scheme = found.get("host") or "", found.get("port") or "", found.get("scheme") or ""
        if port and not 0 < int(port) < 65536:
            continue
        host = _EVERYWHERE.get(host, host).removeprefix("::ffff:")
        host = f"[{host}]" if ":" in host and not host.startswith("[") else host
        if scheme:
            return f"{scheme}://{host}{':' + port if port else ''}{found.get('path') or '/'}"
        return f"{host}:{port}" if host and port else port or f"http://{host}/"
    return ""


def finding_of(saying: Saying) -> Finding:
    """What can be said of it without looking."""
    return Finding(code=saying.code, level="note", what=saying.means, next=saying.next)
