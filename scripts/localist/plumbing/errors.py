"""The exception for errors that the user can fix."""


class UserError(Exception):
    """Bad input. The message names the file, key or value and the remedy; it is shown without a traceback."""
