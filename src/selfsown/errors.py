"""The base of every error a user can mend: what was wrong, where, and what to do. What others raise, in one line."""


class UserError(Exception):
    """Shown as its message alone; `SELFSOWN_TRACEBACK=true` shows where it was raised too."""


def first_line(error: Exception) -> str:
    """What an error is and says, in one line; some say nothing, others a page."""
    return f"{type(error).__name__}: {error}".splitlines()[0][:200]
