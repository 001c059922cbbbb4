"""The variables by which programs that read no store of the system come to trust the local CA.

Variables that add (Node, Bun, Deno) name our root; variables that replace name the combined bundle. What the user has
set is never overridden, and one of those that replace stands for all of them: curl prefers CURL_CA_BUNDLE to
SSL_CERT_FILE, so ours beside the user's would take the user's roots away.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from homeport.certs.bundle import combined_bundle

ADDING = ("NODE_EXTRA_CA_CERTS", "DENO_CERT")
REPLACING = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_SAME_MATTER = (*REPLACING, "SSL_CERT_DIR")


def child_environment(folder: str, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """What to add to a child's environment, `environ` being what it has; nothing where there is no CA in `folder`.

    Reads and perhaps writes files of some 200 KB: 1 ms.
    """
    environ = os.environ if environ is None else environ
    root = os.path.join(folder, "root.pem")
    if not os.path.exists(root):
        return {}
    ours = {name: root for name in ADDING if not environ.get(name)}
    if any(_is_users(environ.get(name), folder) for name in _SAME_MATTER):
        return ours
    bundle = combined_bundle(folder)
    return ours | {name: bundle for name in REPLACING if bundle}


def _is_users(value: str | None, folder: str) -> bool:
    """Whether somebody else set it; ours may be there already, from `homeport trust --env` in this shell."""
    return bool(value) and value != os.path.join(folder, "bundle.pem")
