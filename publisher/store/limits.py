"""What one query and one client may take, the sentence for each limit that is met, and what was answered before."""

import threading
from dataclasses import dataclass

from publisher.errors import LimitMet


@dataclass(frozen=True, slots=True)
class Limits:
    """What one query may take, and how many may run: seconds of wall clock, rows, bytes of answer, bytes of memory.

    query_bytes: longest query text. reading: long texts that may be read at once. workers: queries that run at once in this process.
    waiting: requests that may wait for a worker, each at most `patience` seconds. streams: answers larger than `whole` bytes on their
    way at once; each holds a thread of the web server for as long as its reader takes, so reading + workers + waiting + streams must
    stay below the server's threads. client_seconds: seconds of work a client may have in stock, refilled at `client_share` seconds a
    second; 0 switches it off.
    """

    seconds: float = 30.0
    rows: int = 1_000_000
    bytes: int = 512 << 20
    memory: int = 1 << 30
    query_bytes: int = 100_000
    reading: int = 4
    workers: int = 2
    waiting: int = 8
    streams: int = 4
    whole: int = 4 << 20
    patience: float = 5.0
    client_seconds: float = 60.0
    client_share: float = 1.0


TIME = (
    "Die Abfrage lief länger als {0:g} Sekunden und wurde beendet; es wurde nichts ausgeliefert. Engen Sie sie ein (FILTER auf Datum, "
    "weniger unverbundene Muster, LIMIT) oder nutzen Sie einen Datenabzug. / The query ran longer than {0:g} seconds and was stopped; "
    "nothing of it was sent. Narrow it (dates, fewer unconnected patterns, LIMIT) or use a dump."
)
ROWS = (
    "Die Antwort hätte mehr als {0} Zeilen; es wurde nichts ausgeliefert. Blättern Sie mit ORDER BY, LIMIT und OFFSET oder nutzen Sie "
    "einen Datenabzug. / The answer would have more than {0} rows; nothing of it was sent. "
    "Page with ORDER BY, LIMIT and OFFSET, or use a dump."
)
BYTES = (
    "Die Antwort wäre größer als {0} Bytes; es wurde nichts ausgeliefert. Fragen Sie nach weniger Spalten oder nach CSV, blättern Sie, "
    "oder nutzen Sie einen Datenabzug. / The answer would be larger than {0} bytes; nothing of it was sent. "
    "Ask for fewer columns or for CSV, page, or use a dump."
)
MEMORY = (
    "Die Abfrage brauchte mehr als {0} Bytes Arbeitsspeicher oder ist zu tief geschachtelt und wurde beendet. Gruppieren und sortieren "
    "Sie weniger auf einmal. / The query took more than {0} bytes of memory, or is nested too deeply, and was stopped. "
    "Group and sort less at once."
)
WORKERS = (
    "Alle {0} Abfrageplätze sind belegt. Bitte versuchen Sie es in einigen Sekunden noch einmal. / "
    "All {0} query workers are busy. Please try again in a few seconds."
)
STREAMS = (
    "{0} große Antworten sind schon unterwegs. Bitte versuchen Sie es später, fragen Sie nach weniger, oder nutzen Sie einen Datenabzug. / "
    "{0} large answers are already on their way. Please try later, ask for less, or use a dump."
)
TEXTS = {"streams": STREAMS, "time": TIME, "rows": ROWS, "bytes": BYTES, "memory": MEMORY, "workers": WORKERS}
STATUS = {"streams": 503, "time": 503, "rows": 422, "bytes": 422, "memory": 422, "workers": 503}


def met(limit: str, limits: Limits) -> LimitMet:
    """Return the error that names a limit, its value and what to do, in German and English."""
    value = {"time": limits.seconds}.get(limit) or getattr(limits, limit)
    return LimitMet(limit, TEXTS[limit].format(value), STATUS[limit])


class Purse:
    """Seconds of query work each client may still spend: `stock` at most, refilled at `share` seconds a second."""

    def __init__(self, stock: float, share: float, clients: int = 10_000) -> None:
        self.stock, self.share, self.clients = stock, share, clients
        self._spent: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def debt(self, client: str, now: float) -> float:
        """Return the seconds until the client may ask again; 0 when it may."""
        spent = self._left(client, now) - self.stock
        return max(0.0, spent / self.share) if self.stock else 0.0

    def spend(self, client: str, seconds: float, now: float) -> None:
        """Note that the client's query took `seconds`. The longest silent client is forgotten when there are too many."""
        with self._lock:
            spent = self._left(client, now) + seconds
            self._spent.pop(client, None)
            self._spent[client] = (spent, now)
            if len(self._spent) > self.clients:
                del self._spent[next(iter(self._spent))]

    def _left(self, client: str, now: float) -> float:
        spent, since = self._spent.get(client, (0.0, now))
        return max(0.0, spent - (now - since) * self.share)
