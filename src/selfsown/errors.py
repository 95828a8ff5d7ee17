"""The base of every error a user can mend: what was wrong, where, and what to do. What others raise, in one line.

No password of an address is ever said.
"""

import re


class UserError(Exception):
    """Shown as its message alone; `SELFSOWN_TRACEBACK=true` shows where it was raised too."""


def first_line(error: Exception) -> str:
    """What an error is and says, in one line without passwords; some say nothing, others a page.

    >>> first_line(OSError("http://me:p@ss@host:5000/api is away, in short:\\na page"))
    'OSError: http://host:5000/api is away, in short:'
    """
    return without_password(f"{type(error).__name__}: {error}").splitlines()[0][:200]


def without_password(text: str) -> str:
    """An address as it may be shown, or a text that names some.

    >>> without_password("me:secret@host:5000")
    'host:5000'
    """
    return re.sub(r"(^|(?<=://))[^/?#\s]*@", "", text)
