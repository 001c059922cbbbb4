"""The minimal configurations of nginx and Apache for one directory, and the commands that use them.

They write below their state folder alone, log to stdout and stderr, and need no root. They behave as the built-in
server where the real one can: no dot files, the same media types, Cache-Control: no-cache.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass

from homeport.model.errors import HomeportError
from homeport.targets.directory_types import is_compressible, is_text, types
from homeport.targets.webserver_programs import apache_built_in, apache_modules

_NGINX = """\
daemon off;
{user}pid {state}nginx.pid";
error_log stderr warn;
worker_processes 1;
events {{ worker_connections 512; }}
http {{
    types {{
{types}    }}
    types_hash_max_size 4096;
    geo $dollar {{ default "$"; }}
    default_type application/octet-stream;
    charset utf-8;
    charset_types {text};
    access_log {access_log};
    client_body_temp_path {state}body";
    proxy_temp_path {state}proxy";
    fastcgi_temp_path {state}fastcgi";
    uwsgi_temp_path {state}uwsgi";
    scgi_temp_path {state}scgi";
    keepalive_timeout 300s;
    keepalive_requests 1000000;
    gzip on;
    gzip_min_length 1024;
    gzip_proxied any;
    gzip_vary on;
    gzip_types {packed};
    server {{
        listen {listen};
        server_name _;
        absolute_redirect off;
        root {directory};
        index index.html;
        autoindex {autoindex};
        autoindex_exact_size off;
        {links}add_header Cache-Control no-cache always;
        location ~ /\\.(?!well-known(/|$)) {{ return 404; }}
{locations}    }}
}}
"""
_NGINX_PLAIN = "        location / { try_files $uri $uri/ =404; }\n"
_NGINX_SPA = """\
        location ~ \\.[^/]+$ { try_files $uri =404; }
        location / { try_files $uri $uri/ /index.html; }
"""
_APACHE = """\
{modules}
ServerRoot {state}"
DefaultRuntimeDir {state}"
PidFile {state}apache.pid"
ServerName localhost
{user}Listen {listen}
ErrorLog {error_log}
LogLevel warn
LogFormat "%h %l %u %t \\"%r\\" %>s %b" common
{access_log}
KeepAliveTimeout 300
MaxKeepAliveRequests 0
EnableMMAP Off
{workers}
TypesConfig {state}mime.types"
AddDefaultCharset utf-8
AddCharset utf-8 {text}
DocumentRoot {directory}
DirectoryIndex index.html
<Directory />
    AllowOverride None
    Options {indexes}SymLinksIfOwnerMatch
{fallback}</Directory>
{no_fallback}IndexOptions FancyIndexing HTMLTable NameWidth=* FoldersFirst VersionSort Charset=UTF-8
IndexIgnore .??*
RedirectMatch 404 "/\\.(?!well-known(/|$))"
FileETag MTime Size
Header always set Cache-Control no-cache
# mod_deflate marks the ETag of what it compresses, and then would not know it again.
RequestHeader edit* If-None-Match "-gzip\\"" "\\""
AddOutputFilterByType DEFLATE {packed}
"""
_MODULES = ("unixd", "authz_core", "log_config", "mime", "dir", "alias", "autoindex", "filter", "deflate", "headers")
_WORKERS = """\
StartServers 1
ServerLimit 4
ThreadsPerChild 64
MaxRequestWorkers 256
MinSpareThreads 16
MaxSpareThreads 256"""


@dataclass(frozen=True, slots=True)
class Site:
    """`listen` is HOST:PORT; the paths are absolute."""

    directory: str
    listen: str
    state_dir: str
    spa: bool = False
    listing: bool = True


def nginx_command(program: str, site: Site) -> list[str]:
    """Writes nginx.conf."""
    text = _NGINX.format(
        user=_nginx_user(site.directory),
        state=_quoted(site.state_dir)[:-1] + "/",
        types="".join(f"        {kind} {' '.join(names)};\n" for kind, names in _by_type().items()),
        text=" ".join(kind for kind in _by_type() if is_text(kind) and kind != "text/html"),
        packed=" ".join(kind for kind in _by_type() if is_compressible(kind) and kind != "text/html"),
        access_log="off" if sys.platform == "win32" else "/dev/stdout",
        links="" if sys.platform == "win32" else "disable_symlinks if_not_owner from=$document_root;\n        ",
        listen=site.listen,
        directory=_quoted(site.directory).replace("$", "${dollar}"),  # nginx has no other way to write it
        autoindex="on" if site.listing else "off",
        locations=_NGINX_SPA if site.spa else _NGINX_PLAIN,
    )
    path = _write(site, "nginx.conf", text)
    # -e, known since 1.19.5: before it has read its configuration nginx would complain that root's log is closed to it.
    usage = subprocess.run([program, "-h"], capture_output=True, text=True, timeout=10).stderr
    early_log = ["-e", "stderr"] if "-e filename" in usage else []
    return [program, "-p", os.path.join(site.state_dir, ""), *early_log, "-c", path]


def apache_command(program: str, site: Site) -> list[str]:
    """Writes apache.conf and mime.types."""
    _write(site, "mime.types", "".join(f"{kind} {' '.join(names)}\n" for kind, names in _by_type().items()))
    built_in, folder = apache_built_in(program), apache_modules(program)
    worker = _apache_worker(built_in, folder)
    modules = [name for name in (worker, *_MODULES) if name not in built_in]
    text_endings = [name for kind, names in _by_type().items() if is_text(kind) for name in names]
    is_windows = sys.platform == "win32"
    text = _APACHE.format(
        modules="\n".join(_load(folder, name) for name in modules if name != "unixd" or not is_windows),
        state=_quoted(site.state_dir)[:-1] + "/",
        user="" if is_windows else _apache_user(site.directory),
        listen=site.listen,
        error_log=_quoted(os.path.join(site.state_dir, "error.log")) if is_windows else "/dev/stderr",
        access_log="" if is_windows else "CustomLog /dev/stdout common",
        workers=_WORKERS if worker in ("mpm_event", "mpm_worker") else "",
        text=" ".join(f".{name}" for name in text_endings),
        directory=_quoted(site.directory),
        indexes="Indexes " if site.listing else "",
        fallback="    FallbackResource /index.html\n" if site.spa else "",
        no_fallback='<LocationMatch "\\.[^/]+$">\n    FallbackResource disabled\n</LocationMatch>\n'
        if site.spa
        else "",
        packed=" ".join(kind for kind in _by_type() if is_compressible(kind)),
    )
    return [program, "-f", _write(site, "apache.conf", text), "-D", "FOREGROUND"]


def _by_type() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for extension, kind in types().items():
        found.setdefault(kind, []).append(extension[1:])
    return found


def _write(site: Site, name: str, text: str) -> str:
    path = os.path.join(site.state_dir, name)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)
    return path


def _quoted(path: str) -> str:
    if "\n" in path or "\r" in path:
        raise HomeportError("bad-usage", f"a path with a line break cannot be written down: {path!r}", "rename it")
    return '"' + path.replace("\\", "/" if sys.platform == "win32" else "\\\\").replace('"', '\\"') + '"'


def _load(folder: str | None, name: str) -> str:
    path = os.path.join(folder or "", f"mod_{name}.so")
    if folder is None or not os.path.exists(path):
        raise HomeportError("not-installed", f"Apache's module mod_{name} is not there", "leave out --with apache")
    return f"LoadModule {name}_module {_quoted(path)}"


def _apache_worker(built_in: set[str], folder: str | None) -> str:
    names = ("mpm_event", "mpm_worker", "mpm_prefork", "mpm_winnt")
    for name in names:
        if name in built_in or name.removeprefix("mpm_") in built_in:
            built_in.add(name)
            return name
    return next((name for name in names if folder and os.path.exists(os.path.join(folder, f"mod_{name}.so"))), names[0])


def _nginx_user(directory: str) -> str:
    """As root, the workers run as the directory's owner; a plain user's workers run as that user without saying so."""
    if sys.platform == "win32" or os.geteuid() != 0:
        return ""
    import grp
    import pwd

    facts = os.stat(directory)
    try:
        return f"user {pwd.getpwuid(facts.st_uid).pw_name} {grp.getgrgid(facts.st_gid).gr_name};\n"
    except KeyError:  # an owner without a name, as in a container's mounted folder
        return f"user {pwd.getpwuid(0).pw_name} {grp.getgrgid(0).gr_name};\n"


def _apache_user(directory: str) -> str:
    """As root, the directory's owner; Apache refuses to serve as root, so for root's own directories its usual user.

    Raises HomeportError("unsupported") when that user cannot read the directory.
    """
    if sys.platform == "win32" or os.geteuid() != 0:
        return ""
    facts = os.stat(directory)
    uid, gid = (facts.st_uid, facts.st_gid) if facts.st_uid else _unprivileged()
    reads = subprocess.run(["/bin/sh", "-c", 'cd "$0" && ls', directory], user=uid, group=gid, capture_output=True)
    if reads.returncode:
        raise HomeportError(
            "unsupported",
            f"Apache does not serve as root, and user {uid} may not read {directory}",
            "leave out --with apache, use --with nginx, or run homeport as a plain user",
        )
    return f"User #{uid}\nGroup #{gid}\n"


def _unprivileged() -> tuple[int, int]:
    import pwd

    for name in ("www-data", "apache", "http", "wwwrun", "_www", "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return found.pw_uid, found.pw_gid
    return 65534, 65534  # what Linux calls nobody
