"""A TLS handshake that checks everything, and a second one that checks nothing, to see what the first objected to.

The trust that counts is that of the system's store. It sends no request and keeps no connection.
"""

from __future__ import annotations

import socket
import time

from homeport.doctor.certificate import Certificate, read_certificate
from homeport.doctor.facts import Tls
from homeport.doctor.gather_reach import open_to
from homeport.model.endpoint import Endpoint

LIMIT_S = 4.0

# X509_V_ERR_* of OpenSSL's x509_vfy.h.
_TROUBLES = {9: "not-yet-valid", 10: "expired", 18: "self-signed", 62: "wrong-name", 64: "wrong-name"}
_UNTRUSTED = (19, 20, 21, 27)


def handshake(
    endpoint: Endpoint,
    host: str,
    *,
    is_clock_synchronised: bool | None,
    limit_s: float = LIMIT_S,
    uid: int | None = None,
) -> Tls:
    import ssl

    started = time.perf_counter()
    trouble, why, version = "", "", ""
    try:
        version = _shake(endpoint, host, ssl.create_default_context(), limit_s, uid)[0]
    except ssl.SSLCertVerificationError as error:
        code = error.verify_code
        trouble = "untrusted" if code in _UNTRUSTED else _TROUBLES.get(code, "failed")
        why = error.verify_message
    except ssl.SSLError as error:
        why = error.reason or str(error)
        trouble = (
            "not-tls" if error.reason in ("WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "HTTP_REQUEST") else "failed"
        )
    except (OSError, ValueError) as error:
        trouble, why = "failed", _words(error)
    ms = (time.perf_counter() - started) * 1000
    seen = Certificate()
    if trouble != "not-tls":
        seen_version, seen = _look(endpoint, host, limit_s, uid)
        version = version or seen_version
    if trouble == "untrusted" and seen.is_self_issued:
        trouble = "self-signed"
    return Tls(
        ms=ms,
        version=version,
        trouble=trouble,  # type: ignore[arg-type]  # made of the words above
        why=why,
        names=seen.names,
        subject=seen.subject,
        issuer=seen.issuer,
        not_before_s=seen.not_before_s,
        not_after_s=seen.not_after_s,
        now_s=time.time(),
        is_clock_synchronised=is_clock_synchronised,
    )


def _look(endpoint: Endpoint, host: str, limit_s: float, uid: int | None) -> tuple[str, Certificate]:
    """The certificate, whoever vouches for it."""
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        version, der = _shake(endpoint, host, context, limit_s, uid)
    except (OSError, ValueError):
        return "", Certificate()
    return version, read_certificate(der)


def _shake(endpoint: Endpoint, host: str, context: object, limit_s: float, uid: int | None) -> tuple[str, bytes]:
    import ssl

    assert isinstance(context, ssl.SSLContext)
    with open_to(endpoint, limit_s, uid) as plain, context.wrap_socket(plain, server_hostname=host) as secure:
        return secure.version() or "", secure.getpeercert(binary_form=True) or b""


def _words(error: Exception) -> str:
    if isinstance(error, socket.timeout):
        return "no answer to the handshake in time"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
