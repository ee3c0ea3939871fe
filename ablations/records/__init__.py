"""Plain data: what is asked (Trial), what was found (Result), what follows (rows and reports).

Every record turns into JSON by `to_json` and back by `from_json`; nothing here needs torch.
"""

import importlib
from typing import Any


def __getattr__(name: str) -> Any:
    """Return a record by its name here, for modules that haven't moved yet."""
    if name.startswith("_"):
        raise AttributeError(name)
    for module in ("trials", "rows"):
        found = importlib.import_module(f"{__name__}.{module}")
        if hasattr(found, name):
            return getattr(found, name)
    raise AttributeError(name)
