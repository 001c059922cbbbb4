"""A batch as rows, and the rows into the store. Inside the keeper's transaction; it neither begins nor commits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from homeport.model.exchange import Exchange
from homeport.recording.channel import Batch
from homeport.recording.retention import Retention
from homeport.recording.rows import raw_row, summary_row
from homeport.recording.store import Store, piece_key

NameOf = Callable[[Exchange, float], str]  # (exchange, the batch's clock) -> the client's process


class Writer:
    """Tells the retention how many are new; an exchange that was announced is not new when it ends."""

    def __init__(self, store: Store, retention: Retention) -> None:
        self._store = store
        self._retention = retention
        self._announced: set[int] = set()

    def put(self, batch: Batch, name_of: NameOf) -> None:
        """Raises sqlite3.Error."""
        if batch.closed or batch.running:
            self._put_exchanges(batch, name_of)
        if batch.pieces:
            pieces = [(piece_key(piece.exchange, piece.n), piece) for piece in batch.pieces]
            self._store.put_pieces([(key, piece.at_us, piece.from_client, piece.data) for key, piece in pieces])
        if batch.lines:
            lines = [(line.id, line.app, line.at, line.stream, line.text, line.continues) for line in batch.lines]
            self._store.put_lines(lines)
        self._retention.wrote(self._new(batch), Counter(line.app for line in batch.lines))

    def _put_exchanges(self, batch: Batch, name_of: NameOf) -> None:
        offset_s, clock_s, cut = batch.wall_s - batch.clock_s, batch.clock_s, batch.pieces_cut
        exchanges = batch.running + batch.closed
        self._store.put_exchanges(
            [summary_row(exchange, offset_s, name_of(exchange, clock_s)) for exchange in exchanges],
            [raw_row(exchange, cut.get(exchange.id, 0) if cut else 0) for exchange in exchanges],
        )

    def _new(self, batch: Batch) -> int:
        running = {exchange.id for exchange in batch.running} - self._announced
        self._announced |= running
        if not self._announced:
            return len(batch.closed)
        closed = {exchange.id for exchange in batch.closed}
        known = closed & self._announced
        self._announced -= known
        return len(running) + len(closed) - len(known)
