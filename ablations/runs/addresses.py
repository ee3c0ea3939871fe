"""Addresses of a cluster's scheduler, and whether they are safe to use."""

import ipaddress
import json
from dataclasses import dataclass
from pathlib import Path

from hrm.errors import UserError


@dataclass(frozen=True, kw_only=True)
class Tls:
    """Files in PEM, as `dask scheduler` and `dask worker` take them.

    Args:
        ca: Certificates of the authority that signed the scheduler's and the workers'.
        cert: Our certificate.
        key: Our private key.
    """

    ca: str
    cert: str
    key: str


def address(scheduler: str, *, encrypted: bool) -> str:
    """Return a scheduler's address, as given or from its scheduler file.

    Raises:
        UserError: If it is neither an address nor such a file.
    """
    allowed = "allowed is HOST:PORT, tcp://HOST:PORT, tls://HOST:PORT or a scheduler file"
    if Path(scheduler).is_file():
        try:
            scheduler = str(json.loads(Path(scheduler).read_bytes())["address"])
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise UserError(
                f"scheduler file {scheduler!r} can't be read ({line(error)}); {allowed}; name a "
                "file that `dask scheduler --scheduler-file FILE` wrote"
            ) from error
    kind, apart, rest = scheduler.rpartition("://")
    host, colon, port = rest.rpartition(":")
    if kind not in ("", "tcp", "tls") or not (host and colon and port.isdecimal()):
        raise UserError(
            f"--scheduler is {scheduler!r}; {allowed}; start one with `dask scheduler --host "
            "127.0.0.1`"
        )
    return scheduler if apart else f"{'tls' if encrypted else 'tcp'}://{scheduler}"


def require_safe(found: str, tls: Tls | None, *, unencrypted: bool) -> None:
    """Refuse an address that doesn't fit the certificates, or is remote and not encrypted.

    Raises:
        UserError: If it does or is.
    """
    if found.startswith("tls://"):
        if tls is None:
            raise UserError(
                f"scheduler {found!r} is encrypted, and no certificates are given; allowed is both "
                "or neither; give --tls-ca-file, --tls-cert and --tls-key"
            )
        for path in (tls.ca, tls.cert, tls.key):
            if not Path(path).is_file():
                raise UserError(
                    f"certificate or key {path!r} isn't a file; allowed is a PEM file; name it "
                    "with --tls-ca-file, --tls-cert or --tls-key"
                )
    elif tls is not None:
        raise UserError(
            f"scheduler {found!r} isn't encrypted; allowed with --tls-ca-file is tls://HOST:PORT; "
            "start it with the same certificates"
        )
    elif not _is_loopback(found) and not unencrypted:
        raise UserError(
            f"scheduler {found!r} is on another machine and not encrypted, so that anyone who can "
            "reach it can run arbitrary code on its workers; allowed is 127.0.0.1, or tls:// with "
            "certificates; in a network that nobody else can reach, add --no-tls"
        )


def _is_loopback(found: str) -> bool:
    host = found.rpartition("://")[2].rpartition(":")[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def line(error: object) -> str:
    """Return an error as a short line."""
    return " ".join(str(error).split())[:300] or type(error).__name__
