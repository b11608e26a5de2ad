"""Lists of names to spell: `city_names` and `first_names`. The GPT learns them."""

from importlib import resources
from zoneinfo import available_timezones

from micrograd_notes.common.extras import install

__all__ = ["city_names", "first_names"]

# with zones named after cities, like Europe/Zurich, and not like Etc/GMT+3 or US/Pacific
REGIONS = frozenset(
    {"Africa", "America", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"}
)


def city_names() -> list[str]:
    """Returns the names of places in the time zones, in lower case and sorted.

    Nearly all are cities all over the world; a few are islands or provinces. They consist of the
    letters a to z, spaces and hyphens. The zones are those of the package `tzdata`, which is in the
    extra `data`; without it, they are those that Python finds on the machine.

    Raises:
        LookupError: the machine does not have time zones.

    >>> names = city_names()
    >>> len(names), names[:3], names[-1]
    (467, ['abidjan', 'accra', 'act'], 'zurich')
    """
    places = [zone.split("/") for zone in _time_zones()]
    return sorted({p[-1].replace("_", " ").lower() for p in places if p[0] in REGIONS})


def first_names() -> list[str]:
    """Returns first names of women and men, in lower case and sorted, without spaces or hyphens.

    They are from the census of the United States in 1990, which is in the public domain. The file
    comes with the package; its first lines say where the list is from.

    >>> names = first_names()
    >>> len(names), names[:3], names[-1]
    (5163, ['aaron', 'abbey', 'abbie'], 'zulma')
    """
    text = resources.files(__package__).joinpath("first_names.txt").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if not line.startswith("#")]


def _time_zones() -> list[str]:
    """Returns the names of the time zones, like `Europe/Zurich`."""
    try:
        zones = resources.files("tzdata").joinpath("zones").read_text(encoding="utf-8").split()
    except ModuleNotFoundError:
        zones = list(available_timezones())
    if not zones:
        raise LookupError(
            "the names of cities come from time zones, which this machine does not have; run: "
            + install("data")
        )
    return zones
