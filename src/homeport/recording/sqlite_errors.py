"""What an error of SQLite means for the store: wait, make room, or begin anew."""

from __future__ import annotations

import sqlite3


def is_damage(error: Exception) -> bool:
    """Waiting cannot help: the file is not a database, or a broken one."""
    return _code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def is_full(error: Exception) -> bool:
    """The disk is full. What was stored can still be read."""
    return _code(error) == sqlite3.SQLITE_FULL


def is_locked(error: Exception) -> bool:
    """Another process has the file."""
    return _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _code(error: Exception) -> int:
    """The primary result code; the bits above it are details."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
