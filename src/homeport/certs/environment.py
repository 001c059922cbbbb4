"""The variables by which programs that read no store of the system come to trust the local CA.

Variables that add (Node, Bun, Deno) name our root; variables that replace name the combined bundle. What the user has
set is never overridden, and one of those that replace stands for all of them: curl prefers CURL_CA_BUNDLE to
SSL_CERT_FILE, so ours beside the user's would take the user's roots away.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from homeport.certs.bundle import combined_bundle

ADDING = ("NODE_EXTRA_CA_CERTS", "DENO_CERT")
REPLACING = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
PUBLIC = ("root.pem", "bundle.pem", "java.p12")  # the files that variables name
_SAME_MATTER = (*REPLACING, "SSL_CERT_DIR")


def child_environment(folder: str, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """What to add to a child's environment, `environ` being what it has; nothing where there is no CA in `folder`.

    Reads and perhaps writes files of some 200 KB: 1 ms.
    """
    environ = os.environ if environ is None else environ
    root = os.path.join(folder, "root.pem")
    if not os.path.exists(root):
        return {}
    ours = {name: root for name in ADDING if environ.get(name) in (None, "", root)}
    if users_own(folder, environ, _SAME_MATTER):
        return ours
    bundle = combined_bundle(folder)
    return ours | {name: bundle for name in REPLACING if bundle}


def users_own(folder: str, environ: Mapping[str, str], names: Iterable[str] = (*ADDING, *_SAME_MATTER)) -> list[str]:
    """Those that somebody else set; ours may be there already, from `homeport trust --env` in this shell."""
    ours = ("", os.path.join(folder, "root.pem"), os.path.join(folder, "bundle.pem"))
    return [name for name in names if environ.get(name, "") not in ours]
