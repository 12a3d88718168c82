"""Plain data keys from the data key service: cached by (key id, encrypted key), never logged, never stored."""

from __future__ import annotations

import base64
import binascii
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import httpx

from streaming.errors import Infrastructure

KeyName = tuple[str, str]
"""(key encryption key id, encrypted key as upstream sent it)."""

WAITS_S = (1.0, 2.0, 4.0, 8.0)
CACHED_KEYS = 10_000
CONCURRENT_REQUESTS = 8
_KEY_BYTES = (16, 24, 32)


class DataKeys:
    """Thread safe. http: opens or returns the one client, with the service's base address. wait: sleeps between attempts.

    A 400 means the key is garbled: the answer is None, at once, and is not kept: the same name may be good after a repair.
    Anything else but 200 is tried five times in all, then Infrastructure: the partition waits, nothing is dead-lettered.
    """

    def __init__(
        self, http: Callable[[], httpx.Client], wait: Callable[[float], None], waits_s: tuple[float, ...] = WAITS_S
    ) -> None:
        self._http = http
        self._wait = wait
        self._waits_s = waits_s
        self._known: OrderedDict[KeyName, bytes] = OrderedDict()
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(CONCURRENT_REQUESTS, thread_name_prefix="data-key")

    def fetch(self, names: Iterable[KeyName]) -> dict[KeyName, bytes | None]:
        """Plain keys; None for a name that the service refuses. Distinct unknown ones are asked for concurrently."""
        wanted = dict.fromkeys(names)
        found: dict[KeyName, bytes | None] = {}
        with self._lock:
            for name in wanted:
                if name in self._known:
                    self._known.move_to_end(name)
                    found[name] = self._known[name]
        missing = [name for name in wanted if name not in found]
        if len(missing) == 1:
            found[missing[0]] = self._ask(missing[0])
        elif missing:
            found.update(zip(missing, self._pool.map(self._ask, missing), strict=True))
        with self._lock:
            self._known.update((name, key) for name in missing if (key := found[name]) is not None)
            while len(self._known) > CACHED_KEYS:
                self._known.popitem(last=False)
        return found

    def _ask(self, name: KeyName) -> bytes | None:
        for wait_s in (*self._waits_s, None):
            try:
                answer = self._http().post(
                    "/datakey/actions/decrypt",
                    params={"keyId": name[0], "correlationId": str(uuid.uuid4())},  # noqa: TID251 - a new one per request, by contract
                    content=name[1],
                    headers={"Content-Type": "text/plain"},
                )
            except httpx.HTTPError:
                answer = None
            if answer is not None and answer.status_code == 400:
                return None
            if answer is not None and answer.status_code == 200:
                key = _plain(answer)
                if key is not None:
                    return key
            if wait_s is not None:
                self._wait(wait_s)
        raise Infrastructure("data key service: no usable answer in five attempts")


def _plain(answer: httpx.Response) -> bytes | None:
    try:
        key = base64.b64decode(answer.json()["plaintextDataKey"], validate=True)
    except (ValueError, KeyError, TypeError, binascii.Error):
        return None
    return key if len(key) in _KEY_BYTES else None
