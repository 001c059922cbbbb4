"""What `homeport trust` changed, so that `untrust` finds it again: a small file in the CA's folder, no secret.

A damaged or missing one is an empty one: the stores themselves are asked in any case.
"""

from __future__ import annotations

import os

import msgspec

from homeport.certs import private


class Receipt(msgspec.Struct, kw_only=True):
    """`stores`: path -> kind of those that were given a root. `made`: the databases that did not exist before."""

    fingerprint: str = ""
    stores: dict[str, str] = {}
    made: list[str] = []


def read_receipt(folder: str) -> Receipt:
    try:
        with open(_file(folder), "rb") as file:
            return msgspec.json.decode(file.read(), type=Receipt)
    except (OSError, msgspec.DecodeError):
        return Receipt()


def write_receipt(folder: str, receipt: Receipt) -> None:
    private.replace(_file(folder), msgspec.json.encode(receipt))


def is_trusted(folder: str, fingerprint: str) -> bool:
    """Whether `homeport trust` has put this root into any store: for a warning, without asking the stores."""
    receipt = read_receipt(folder)
    return receipt.fingerprint == fingerprint and bool(receipt.stores)


def _file(folder: str) -> str:
    return os.path.join(folder, "trusted.json")
