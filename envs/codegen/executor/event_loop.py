"""`asyncio.unix_events`: an event loop for which nothing comes from outside. While it waits, time passes, and nothing else."""

import time
from asyncio import base_events, events

import surroundings

__all__ = ("SelectorEventLoop", "_DefaultEventLoopPolicy", "EventLoop")


class _Waiting:
    """In the place of a selector."""

    @staticmethod
    def select(timeout):
        if timeout is None:
            raise RuntimeError("the event loop waits for what never happens")
        time.sleep(timeout)
        return ()

    @staticmethod
    def close():
        pass


class SelectorEventLoop(base_events.BaseEventLoop):
    def __init__(self, selector=None):
        super().__init__()
        self._selector = _Waiting()

    def time(self):
        # Reading it takes so little that short sleeps end in their order.
        return surroundings.passed_ns(1_000) / 1e9

    def _process_events(self, event_list):
        pass

    def _write_to_self(self):
        pass


EventLoop = SelectorEventLoop


class _DefaultEventLoopPolicy(events._BaseDefaultEventLoopPolicy):
    _loop_factory = SelectorEventLoop
