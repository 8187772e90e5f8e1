"""The one exception that means "the user can fix this"."""


class UserError(Exception):
    """Bad input. The message names the file, key or value and the remedy; it is shown without a traceback."""
