"""A value that cannot be shown by accident: not by print, log, traceback, format or pickle."""

from __future__ import annotations

from typing import Generic, NoReturn, TypeVar

T = TypeVar("T")


class Secret(Generic[T]):
    """Holds a value that only `reveal()` gives away.

    `repr`, `str`, `format` and dataclass reprs show a placeholder. Equality is identity, so that
    no comparison of secrets runs in data-dependent time.
    """

    __slots__ = ("_value",)

    def __init__(self, value: T) -> None:
        self._value = value

    def reveal(self) -> T:
        """Return the value; call it only where it is used, and keep it in no attribute."""
        return self._value

    def __repr__(self) -> str:
        return "<secret>"

    def __reduce__(self) -> NoReturn:
        """Refuse to be copied or written anywhere."""
        message = "a secret is not serialised"
        raise TypeError(message)
