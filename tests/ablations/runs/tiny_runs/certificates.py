"""An authority and a certificate that it signed, for processes on loopback."""

import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def write(folder):
    """Return the paths of the authority's certificate, the signed certificate and its key."""
    key, own = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    paths = [folder / name for name in ("ca.pem", "cert.pem", "key.pem")]
    basic = x509.BasicConstraints(ca=True, path_length=None)
    loopback = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    paths[0].write_bytes(signed("authority", key.public_key(), key, basic))
    paths[1].write_bytes(signed("trials", own.public_key(), key, loopback))
    paths[2].write_bytes(
        own.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return [str(path) for path in paths]


def signed(name, public, key, extension):
    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
    return (
        x509.CertificateBuilder()
        .subject_name(named(name))
        .issuer_name(named("authority"))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(extension, critical=True)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )


def named(name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
