"""Where browsers keep their NSS databases. Looks at names of folders, and at lists of profiles."""

from __future__ import annotations

import configparser
import os

from homeport.certs.place import Place
from homeport.certs.store_nss import NssStore

_CHROMIUMS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "google-chrome-beta",
    "brave-browser",
    "microsoft-edge",
    "vivaldi",
)
_FLATPAK_CHROMIUMS = ("org.chromium.Chromium", "com.google.Chrome", "com.brave.Browser", "com.microsoft.Edge")
_FLATPAK_FIREFOXES = ("org.mozilla.firefox", "io.gitlab.librewolf-community")


def nss_stores(place: Place) -> list[NssStore]:
    """Of this user. On macOS and Windows, Chromium reads the system's store and only Firefox has its own."""
    shared = _shared(place) if place.platform.startswith("linux") else {}
    stores = [NssStore(place, name, path) for path, name in shared.items()]
    return stores + [NssStore(place, name, path) for path, name in sorted(_profiles(place).items())]


def _shared(place: Place) -> dict[str, str]:
    """path -> name. The old folder where it is there, else the one that Chromium uses since M146."""
    data = place.environ.get("XDG_DATA_HOME") or place.in_home(".local", "share")
    old, new = place.in_home(".pki", "nssdb"), os.path.join(data, "pki", "nssdb")
    found = {path: "Chromium, Chrome" for path in (old, new) if _is_database(path)}
    if not found and any(place.which(name) for name in _CHROMIUMS):
        found[old if os.path.isdir(old) else new] = "Chromium, Chrome"
    snap = place.in_home("snap", "chromium", "current")
    if os.path.isdir(snap):
        found[os.path.join(snap, ".pki", "nssdb")] = "Chromium (snap)"
    for application in _FLATPAK_CHROMIUMS:
        for parts in ((".pki", "nssdb"), ("data", "pki", "nssdb")):
            path = place.in_home(".var", "app", application, *parts)
            if _is_database(path):
                found[path] = f"{application} (flatpak)"
    return found


def _profiles(place: Place) -> dict[str, str]:
    """path -> name of every folder with a database below a browser's folder of profiles."""
    found: dict[str, str] = {}
    for folder, browser in _profile_folders(place):
        if not os.path.isdir(folder):
            continue
        for entry in os.scandir(folder):
            if entry.is_dir() and _is_database(entry.path):
                found[entry.path] = f"{browser} ({entry.name.partition('.')[2] or entry.name})"
        for path, name in _kept_elsewhere(folder):
            if _is_database(path):
                found[path] = f"{browser} ({name})"
    return found


def _kept_elsewhere(folder: str) -> list[tuple[str, str]]:
    """Path and name of profiles that a browser's list names and that are in no folder of its own."""
    listed = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        listed.read(os.path.join(folder, "profiles.ini"), encoding="utf-8")
    except (configparser.Error, OSError, UnicodeDecodeError):
        return []
    return [
        (profile["Path"], profile.get("Name", os.path.basename(profile["Path"])))
        for profile in map(listed.__getitem__, listed.sections())
        if profile.get("IsRelative") == "0" and "Path" in profile
    ]


def _profile_folders(place: Place) -> list[tuple[str, str]]:
    if place.platform == "darwin":
        support = place.in_home("Library", "Application Support")
        return [
            (os.path.join(support, "Firefox", "Profiles"), "Firefox"),
            (os.path.join(support, "librewolf", "Profiles"), "LibreWolf"),
        ]
    if place.platform == "win32":
        roaming = place.environ.get("APPDATA") or place.in_home("AppData", "Roaming")
        return [
            (os.path.join(roaming, "Mozilla", "Firefox", "Profiles"), "Firefox"),
            (os.path.join(roaming, "librewolf", "Profiles"), "LibreWolf"),
        ]
    config = place.environ.get("XDG_CONFIG_HOME") or place.in_home(".config")
    found = [
        (place.in_home(".mozilla", "firefox"), "Firefox"),
        (os.path.join(config, "mozilla", "firefox"), "Firefox"),
        (place.in_home(".librewolf"), "LibreWolf"),
        (place.in_home("snap", "firefox", "common", ".mozilla", "firefox"), "Firefox, snap"),
        (place.in_home("snap", "firefox", "common", ".config", "mozilla", "firefox"), "Firefox, snap"),
    ]
    for application in _FLATPAK_FIREFOXES:
        base = place.in_home(".var", "app", application)
        browser = "Firefox, flatpak" if "firefox" in application else "LibreWolf, flatpak"
        found += [
            (os.path.join(base, ".mozilla", "firefox"), browser),
            (os.path.join(base, "config", "mozilla", "firefox"), browser),
            (os.path.join(base, ".librewolf"), browser),
        ]
    return found


def _is_database(path: str) -> bool:
    return os.path.exists(os.path.join(path, "cert9.db"))
