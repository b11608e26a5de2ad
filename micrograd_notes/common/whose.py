"""Which classes are Python's own, and which a learner made.

The name of a module does not tell: a learner's file may be called code.py, and a class that
`exec(source, {})` makes is said to be of `builtins`.
"""

import sys
import sysconfig
from functools import cache

MADE_BY_CLASS = 1 << 9  # Py_TPFLAGS_HEAPTYPE: the flag of a type that a class statement made


@cache
def is_pythons(kind: type) -> bool:
    """Returns whether a class is part of Python's own library.

    >>> import logging
    >>> is_pythons(logging.Logger), is_pythons(float)
    (True, True)
    >>> exec("class Mine: pass", names := {})
    >>> names["Mine"].__module__, is_pythons(names["Mine"])
    ('builtins', False)
    """
    module = sys.modules.get(kind.__module__)
    file = getattr(module, "__file__", None) or sysconfig.get_path("stdlib")
    is_there = kind.__module__.partition(".")[0] in sys.stdlib_module_names
    if not is_there or not file.startswith(sysconfig.get_path("stdlib")):
        return False
    is_made = bool(kind.__flags__ & MADE_BY_CLASS)
    return not is_made or hasattr(module, kind.__qualname__.partition(".")[0])
