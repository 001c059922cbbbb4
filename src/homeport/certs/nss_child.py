"""Asks and changes one NSS database with libnss3 itself, where there is no certutil. A program, run as a file:

    python nss_child.py LIBRARY DATABASE state|add|remove|make|empty [CERTIFICATE [NICKNAME]]

The library belongs to a browser and keeps its state in the process, so it is never loaded into ours. CERTIFICATE is
base64 of the DER. It prints one word, or says on stderr why not: status 1 the database, 3 the library.
"""

from __future__ import annotations

import base64
import ctypes
import os
import sys

_BESIDE = ("nspr4", "plc4", "plds4", "nssutil3")  # what it needs, of the same build
_READ_ONLY, _NO_ROOTS = 0x1, 0x10  # nss.h; no roots: the built-in ones are nobody's question here
_TRUSTED_CA = 0x10  # certdb.h: the C of "C,,"
_NO_OBJECT = 0  # CK_INVALID_HANDLE


class Item(ctypes.Structure):
    _fields_ = (("type", ctypes.c_int), ("data", ctypes.c_char_p), ("size", ctypes.c_uint))


class Flags(ctypes.Structure):
    _fields_ = (("ssl", ctypes.c_uint), ("email", ctypes.c_uint), ("code", ctypes.c_uint))


class Failed(Exception):  # noqa: N818 - how it went, as it is told
    pass


class Library:
    """libnss3 by its own names; what fails says so with NSPR's name for the error."""

    def __init__(self, path: str) -> None:
        folder, suffix = os.path.dirname(path), os.path.basename(path).removeprefix("libnss3")
        for name in _BESIDE:
            beside = os.path.join(folder, f"lib{name}{suffix}")
            if os.path.exists(beside):
                ctypes.CDLL(beside, ctypes.RTLD_GLOBAL)
        self._nss = ctypes.CDLL(path, ctypes.RTLD_GLOBAL)
        self._error = ctypes.CDLL(None).PR_GetError
        self._error_name = ctypes.CDLL(None).PR_ErrorToName
        self._error_name.restype = ctypes.c_char_p

    def pointer(self, name: str, *words: object) -> ctypes.c_void_p:
        call = getattr(self._nss, name)
        call.restype = ctypes.c_void_p
        return ctypes.c_void_p(call(*words))

    def number(self, name: str, *words: object) -> int:
        return int(getattr(self._nss, name)(*words))

    def do(self, name: str, *words: object) -> None:
        if self.number(name, *words):
            self.fail(name)

    def fail(self, name: str) -> None:
        said = self._error_name(self._error()) or b"unknown error"
        raise Failed(f"{name}: {said.decode()}")


def open_database(nss: Library, path: str, *, is_read_only: bool) -> None:
    flags = _NO_ROOTS | (_READ_ONLY if is_read_only else 0)
    nss.do("NSS_Initialize", b"sql:" + os.fsencode(path), b"", b"", b"secmod.db", flags)


def state(nss: Library, der: bytes) -> str:
    found = _find(nss, der)
    if not found:
        return "absent"
    flags = Flags()
    has_flags = not nss.number("CERT_GetCertTrust", found, ctypes.byref(flags))
    return "trusted" if has_flags and flags.ssl & _TRUSTED_CA else "there"


def add(nss: Library, der: bytes, nickname: str) -> None:
    slot = nss.pointer("PK11_GetInternalKeySlot")
    if nss.number("PK11_NeedLogin", slot):
        raise Failed("the database has a password")
    database, item = nss.pointer("CERT_GetDefaultCertDB"), Item(0, der, len(der))
    found = nss.pointer("CERT_NewTempCertificate", database, ctypes.byref(item), None, 0, 1)
    if not found:
        nss.fail("CERT_NewTempCertificate")
    nss.do("PK11_ImportCert", slot, found, ctypes.c_ulong(_NO_OBJECT), os.fsencode(nickname), 0)
    flags = Flags()
    nss.do("CERT_DecodeTrustString", ctypes.byref(flags), b"C,,")
    nss.do("CERT_ChangeCertTrust", database, found, ctypes.byref(flags))


def remove(nss: Library, der: bytes) -> None:
    found = _find(nss, der)
    if found:
        nss.do("SEC_DeletePermCertificate", found)


def make(nss: Library) -> None:
    slot = nss.pointer("PK11_GetInternalKeySlot")
    if nss.number("PK11_NeedUserInit", slot):
        nss.do("PK11_InitPin", slot, None, b"")


def is_empty(nss: Library) -> bool:
    """A list is a ring of links whose first one is the list itself."""
    slot = nss.pointer("PK11_GetInternalKeySlot")
    for name, words in (("PK11_ListCertsInSlot", ()), ("PK11_ListPrivKeysInSlot", (None, None))):
        ring = nss.pointer(name, slot, *words)
        if ring and ctypes.c_void_p.from_address(ring.value or 0).value != ring.value:
            return False
    return True


def _find(nss: Library, der: bytes) -> ctypes.c_void_p:
    item = Item(0, der, len(der))
    return nss.pointer("CERT_FindCertByDERCert", nss.pointer("CERT_GetDefaultCertDB"), ctypes.byref(item))


def work(nss: Library, database: str, verb: str, der: bytes, nickname: str) -> str:
    """The word for what was found or done."""
    open_database(nss, database, is_read_only=verb in ("state", "empty"))
    if verb == "state":
        return state(nss, der)
    if verb == "empty":
        return "empty" if is_empty(nss) else "used"
    if verb == "add":
        add(nss, der, nickname)
    elif verb == "remove":
        remove(nss, der)
    else:
        make(nss)
    return "done"


def main(library: str, database: str, verb: str, certificate: str = "", nickname: str = "") -> int:
    try:
        said = work(Library(library), database, verb, base64.b64decode(certificate), nickname)
    except (OSError, AttributeError) as error:  # a function that is missing is an AttributeError
        sys.stderr.write(f"{library} cannot be used: {error}\n")
        return 3
    except Failed as failed:
        sys.stderr.write(f"{failed}\n")
        return 1
    sys.stdout.write(f"{said}\n")
    sys.stdout.flush()
    return 0


if __name__ == "__main__":
    status = main(*sys.argv[1:])
    os._exit(status)  # the process is over: taking the library down in order may ask for what is still held
