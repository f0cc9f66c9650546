"""What a hub fails at for the moment is tried again; what it refuses for good becomes one sentence.

A hub is waited for as long as it asks, and no longer than a person would wait.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
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
    """Run ``action``; where it fails for the moment, pause and run it again.

    Args:
        action: must be safe to repeat.
        transient: what it raised -> seconds the hub asks to wait (0 where it does not say), or None where
            trying again is no use.
        what: for the log, as in "fetching hf://owner/repo".
    """
    pause = FIRST_PAUSE
    for left in range(ATTEMPTS - 1, -1, -1):
        try:
            return action()
        except Exception as error:
            asked = transient(error)
            if asked is None or left == 0 or asked > LONGEST_PAUSE:
                raise
            wait = asked or pause
            logger.warning("%s failed (%s); trying again in %.0f s", what, _first_line(error), wait)
            time.sleep(wait)
            pause *= 2
    raise AssertionError("the last attempt returns or raises")


def pause_asked(response: Any) -> float | None:
    """Seconds to wait that a failed HTTP response asks for; None where another try is of no use."""
    if response is None or response.status_code not in TRANSIENT:
        return None
    return retry_after(response.headers.get("Retry-After"))


def refusal(hub: str, doing: str, uri: HubUri, response: Any, error: Exception, *, login: str) -> HubError:
    """What a hub has refused, as one sentence.

    Args:
        hub: its name, for people.
        doing: what was tried, as in "fetching".
        uri: the model it was tried on.
        response: the hub's HTTP response; None where there was none.
        error: what the hub's client raised.
        login: how one logs in to the hub.
    """
    if response is None:
        return HubError(f"{doing} {uri} failed: {hub} cannot be reached ({type(error).__name__})")
    match response.status_code:
        case 401 | 403:
            return HubError(f"{hub} refuses {doing} {uri}: it is not there, or not yours to use; {login}")
        case 404:
            return HubError(f"{hub} has no {uri}; check each part of the address")
        case status:
            return HubError(f"{doing} {uri} failed: {hub} answers {status}; try again later")


def retry_after(header: str | None) -> float:
    """Seconds that a ``Retry-After`` header asks for (RFC 9110: a number, or a date); 0 without one."""
    if not header:
        return 0.0
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time.time())
    except ValueError:
        return 0.0


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
