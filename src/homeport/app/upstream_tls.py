"""How the door believes an upstream that speaks https itself: by the system's roots and our own CA, by a file, or not.

It decides for the user nowhere: an upstream is unverified only where `verify` says "off" in so many words.
"""

from __future__ import annotations

import os
import ssl

from homeport.model.errors import HomeportError

OFF = "off"


def upstream_context(verify: str, authority: str, *, h2: bool = False) -> ssl.SSLContext:
    """`verify`: "" for the usual roots, "off", or a file of PEM certificates; `authority`: the folder of our CA; `h2`:
    HTTP/2 is offered, and nothing else.

    Raises HomeportError("bad-usage") for a file that cannot be used.
    """
    context = _believing(verify, authority)
    if h2:
        context.set_alpn_protocols(["h2"])
    return context


def _believing(verify: str, authority: str) -> ssl.SSLContext:
    if verify == OFF:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    if verify:
        return _by_file(verify)
    context = ssl.create_default_context()
    root = os.path.join(authority, "root.pem")
    if os.path.exists(root):
        context.load_verify_locations(root)
    return context


def _by_file(path: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=path)
    except OSError as error:  # an ssl.SSLError is one
        reason = "it holds no certificate" if isinstance(error, ssl.SSLError) else error.strerror
        raise HomeportError("bad-usage", f"{path} cannot be used to verify: {reason}", f"ls -l {path}") from error
