"""The base of every error a user can mend: what was wrong, where, and what to do."""


class UserError(Exception):
    """Shown as its message alone; `SELFSOWN_TRACEBACK=true` shows where it was raised too."""
