"""Made-up lines of evidence."""

from ablations.evidence.files import sha256


def a_run(seed, sources="a"):
    return {
        "seed": seed,
        "fingerprint": sha256(f"{seed} {sources}".encode()),
        "attempt": "20260101T000000.000000Z-00000000",
        "status": "ok",
        "sha256": "0" * 64,
        "cpu": 1.0,
        "wall": 1.0,
        "memory": 1,
        "load": 0.5,
        "values": {},
    }
