"""Threads for handlers that are functions: bounded, and a handler that hangs keeps no place."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

#: How many handlers may hang, for each place that there is; then nothing is begun before one of them comes back.
HANGING_PER_PLACE = 4

_Job = tuple["Future[Any]", Callable[[], Any]]


class Workers:
    """So many calls run at the same time; others wait for their turn.

    A thread cannot be stopped. The place of a call that nobody waits for any more is free again, and its thread is left
    to itself. Threads end with the process, whatever they do.
    """

    def __init__(self, places: int) -> None:
        self._places = places
        self._lock = threading.Lock()
        self._waiting: deque[_Job] = deque()
        self._running: set[Future[Any]] = set()
        self._hanging = 0
        self._closed = False

    @property
    def full(self) -> bool:
        """Whether so many calls hang that no other is begun."""
        with self._lock:
            return self._hanging >= self._places * HANGING_PER_PLACE

    def start(self, call: Callable[[], Any]) -> "asyncio.Future[Any]":
        """Runs a call in a thread. To cancel what this gives is to give the call up."""
        future: Future[Any] = Future()
        with self._lock:
            self._waiting.append((future, call))
        self._fill()
        started = asyncio.wrap_future(future)
        started.add_done_callback(lambda done: self._give_up(future) if done.cancelled() else None)
        return started

    def close(self) -> None:
        """Begins nothing more; calls that run go on in the background."""
        with self._lock:
            self._closed = True
            waiting, self._waiting = self._waiting, deque()
        for future, _ in waiting:
            future.cancel()

    def _fill(self) -> None:
        """Begins what waits, as long as there are places."""
        with self._lock:
            while self._waiting and len(self._running) < self._places and not self._closed:
                future, call = self._waiting.popleft()
                # One that was given up while it waited has no thread yet, and gets none.
                if future.set_running_or_notify_cancel():
                    self._running.add(future)
                    threading.Thread(target=self._run, args=(future, call), name="placet", daemon=True).start()

    def _run(self, future: "Future[Any]", call: Callable[[], Any]) -> None:
        try:
            result = call()
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(result)
        finally:
            with self._lock:
                if future in self._running:
                    self._running.discard(future)
                else:
                    self._hanging -= 1
            self._fill()

    def _give_up(self, future: "Future[Any]") -> None:
        with self._lock:
            if future in self._running:
                self._running.discard(future)
                self._hanging += 1
        self._fill()
