"""The exceptions that a user is meant to see, and what they say."""

from collections.abc import Generator, Iterable
from contextlib import contextmanager


def printable(text: str) -> str:
    """The text with a question mark for each character that cannot be printed, such as the end of a line."""
    return "".join(character if character.isprintable() else "?" for character in text)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """What a message says of an unknown name that is nearly a known one, else nothing."""
    from difflib import get_close_matches

    close = get_close_matches(name, known, 1)
    return f"; did you mean {close[0]}?" if close else ""


class SnowError(Exception):
    """A mistake in what the user gave us: a file, an option, a network. Its message is one line.

    The commands print it as `error: MESSAGE` and exit with status 1; any other that escapes is our defect.
    A name that it quotes may hold anything: characters that cannot be printed become question marks.
    """

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


class SourceError(SnowError):
    """A mistake in a line of a text."""

    def __init__(self, file: str, line: int, reason: object) -> None:
        super().__init__(f"{file}:{line}: {reason}")

    def __reduce__(self) -> tuple[type[SnowError], tuple[str]]:
        # Of an error from another process the message is enough.
        return SnowError, (str(self),)


@contextmanager
def file_errors() -> Generator[None]:
    """Makes a SnowError of what files raise, one line that names the file."""
    try:
        yield
    except OSError as error:
        raise SnowError(describe_file_error(error)) from error


def describe_file_error(error: OSError) -> str:
    """What went wrong, with the name of the file where it is known."""
    reason = error.strerror or str(error)
    return reason if error.filename is None else f"{error.filename}: {reason}"
