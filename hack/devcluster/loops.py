"""An event loop for proxies in threads of a test: it can wait for the ends of its connections."""

import asyncio
from selectors import DefaultSelector

#: Seconds for the other side's last word. A server that is frozen says none; then the garbage collector closes.
CLOSING_SECONDS = 10.0

_PAUSE = 0.01


class PatientLoop(asyncio.SelectorEventLoop):
    """Knows when its last connection has ended.

    A TLS connection that was closed lives on until the other side has answered that (asyncio waits 30 seconds for it),
    and aiohttp's session does not wait. A loop that ends sooner leaves the socket to the garbage collector, whose
    warning fails whatever test runs by then.
    """

    def __init__(self) -> None:
        self._selected = DefaultSelector()
        super().__init__(self._selected)
        self._own = len(self._selected.get_map())

    async def until_closed(self, seconds: float = CLOSING_SECONDS) -> None:
        """No connection is open any more, or the time is over. Servers and sessions were closed before."""
        end = self.time() + seconds
        while len(self._selected.get_map()) > self._own and self.time() < end:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(_PAUSE)
        await asyncio.sleep(0)  # the transport closes its socket one turn after it stopped listening to it
