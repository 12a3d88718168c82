"""The shell's exceptions.

StreamingError
├── Infrastructure      a backend is away: back off, retry the whole transaction, park nothing
├── Fatal               stop the process loudly; the message names the operator's command
│   ├── Gap             records are missing between the stored position and the log
│   ├── UnknownSchema   a stored document has a schema number this version does not know
│   └── StopLimit       too many parked roots or dead letters in a row
├── Rejected            (raised by a handler) business-invalid record: dead letter with this reason
├── MoreRoots           (raised by Work.get) the transaction is redone with these roots locked too
└── Refused             (raised by a command) an answer for the caller: status, code, detail
    ├── PreconditionFailed  412
    ├── TagMalformed        400 an entity tag without its quotation marks
    ├── Busy                503 a lock was not had in time
    └── Parked              503 the root is parked
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


class StreamingError(Exception):
    """Root of the tree above."""


class Infrastructure(StreamingError):
    """A backend (database, broker, data key service) is away or slow; retrying later can succeed."""


class Fatal(StreamingError):
    """The process must stop; going on would lose or damage data."""


class Gap(Fatal):
    """The log no longer holds the record that is next for this consumer."""


class UnknownSchema(Fatal):
    """A stored document was written by another version."""


class StopLimit(Fatal):
    """So much is going wrong that a person must look before more is consumed."""


class Rejected(StreamingError):
    """The record is mine but breaks a business rule. `reason` is a code such as `people_empty`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class MoreRoots(StreamingError):
    """A handler asked for documents that are not locked yet."""

    def __init__(self, roots: Iterable[tuple[str, str]]) -> None:
        super().__init__("more roots")
        self.roots = frozenset(roots)


class Refused(StreamingError):
    """A command that may not be done. Rendered as problem details; `detail` never echoes input.

    allowed: for 409, the moves that are legal now.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str = "",
        *,
        allowed: Iterable[str] | None = None,
        retry_after_s: int | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.detail = detail
        self.allowed = None if allowed is None else list(allowed)
        self.retry_after_s = retry_after_s
        self.extra = dict(extra or {})


class PreconditionFailed(Refused):
    """If-Match names another version than the current one."""

    def __init__(self) -> None:
        super().__init__(412, "stale", "The resource has changed. Read it again and repeat.")


class TagMalformed(Refused):
    """If-Match holds something that no ETag looks like; nothing is said about whether the resource has changed."""

    def __init__(self) -> None:
        super().__init__(400, "if-match-malformed", "Send the ETag in If-Match as it came, with its quotation marks.")


class Busy(Refused):
    """The claim's row is locked by other work."""

    def __init__(self) -> None:
        super().__init__(503, "busy", "The record is in use. Try again.", retry_after_s=1)


class Parked(Refused):
    """An earlier item of this claim failed; an operator must release it."""

    def __init__(self) -> None:
        super().__init__(503, "parked", "This record waits for an operator.", retry_after_s=60)
