"""The mutants that no test can kill, as they compute the same, each with the reason."""

import tomllib
from pathlib import Path

TABLE = Path(__file__).with_name("equivalent.toml")


def known_equivalents() -> dict[tuple[str, str, str, str], str]:
    """Returns the reason for each, by the mutant's key."""
    entries = tomllib.loads(TABLE.read_text(encoding="utf-8")).get("mutant", [])
    return {
        (entry["room"], entry["name"], entry["before"], entry["after"]): entry["why"]
        for entry in entries
    }
