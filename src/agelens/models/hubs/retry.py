"""What a hub fails at for the moment is tried again; what it refuses for good becomes one sentence.

A hub is waited for as long as it asks, and no longer than a person would wait.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from agelens.errors import HubError
from agelens.models.hubs.uri import HubUri

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

#: Answers that may be others a moment later: too many requests, and the server's own faults.
TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})

ATTEMPTS = 4

#: Seconds. The first pause where the hub names none; it doubles.
FIRST_PAUSE = 1.0

#: Seconds. A hub that asks for more is taken at its word that it is busy, and the error is shown.
LONGEST_PAUSE = 60.0


def with_retries(
    action: Callable[[], Result], transient: Callable[[Exception], float | None], what: str
) -> Result:
    """Run ``action``, which must be safe to repeat; where it fails for the moment, pause and run it again.

    ``transient`` takes what was raised and answers the seconds that the hub asks to wait (0 where it does not
    say), or None where trying again is no use. ``what`` is for the log, as in "fetching hf://owner/repo".
    """
    attempt = 1
    while True:
        try:
            return action()
        except Exception as error:
            asked = transient(error)
            if asked is None or attempt == ATTEMPTS or asked > LONGEST_PAUSE:
                raise
            wait = asked or FIRST_PAUSE * 2 ** (attempt - 1)
            reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        logger.warning("%s failed (%s); trying again in %.0f s", what, reason, wait)
        time.sleep(wait)
        attempt += 1


def pause_asked(error: Exception) -> float | None:
    """Seconds to wait that a failed HTTP response asks for; None where another try is of no use."""
    response = response_behind(error)
    if response is None or response.status_code not in TRANSIENT:
        return None
    return retry_after(response.headers.get("Retry-After"))


def refusal(hub: str, doing: str, uri: HubUri, error: Exception, *, login: str) -> HubError:
    """What a hub has refused, as one sentence; ``login`` says how one logs in to it."""
    response = response_behind(error)
    if response is None:
        return HubError(f"{doing} {uri} failed: {hub} cannot be reached ({type(error).__name__})")
    match response.status_code:
        case 401 | 403:
            return HubError(f"{hub} refuses {doing} {uri}: it is not there, or not yours to use; {login}")
        case 404:
            return HubError(f"{hub} has no {uri}; check each part of the address")
        case status:
            return HubError(f"{doing} {uri} failed: {hub} answers {status}; try again later")


def response_behind(error: BaseException) -> Any:
    """The HTTP response behind an error, however deep the client has wrapped it; None without one."""
    return next((r for cause in causes(error) if (r := getattr(cause, "response", None)) is not None), None)


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error itself, and what it was raised from or while handling."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def retry_after(header: str | None) -> float:
    """Seconds that a ``Retry-After`` header asks for (RFC 9110: a number, or a date); 0 without one."""
    try:
        return max(0.0, float(header or 0))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(str(header)).timestamp() - time.time())
    except ValueError:
        return 0.0
