"""The use cases on recorded traffic: search, show, one body, clear. What the recorder cannot answer is its error."""

from __future__ import annotations

from homeport.app.seams import Recording, Side
from homeport.model.errors import HomeportError
from homeport.model.exchange import ExchangeDetail, ExchangeSummary

LIMIT = 1000  # exchanges in one answer; `before` pages on


class TrafficUseCases:
    def __init__(self, recording: Recording) -> None:
        self._recording = recording

    async def list(self, filter: str = "", limit: int = 50, before: int | None = None) -> list[ExchangeSummary]:  # noqa: A002
        """Newest first. Raises HomeportError("bad-usage") for a filter that is not understood."""
        return await self._recording.search(filter, min(max(limit, 1), LIMIT), before)

    async def show(self, exchange_id: int) -> ExchangeDetail:
        detail = await self._recording.detail(exchange_id)
        if detail.conditions is not None:
            from homeport.conditions.repetition import in_words  # an engine starts sooner without

            for one in detail.conditions.decisions:
                one.words = in_words(one.what)
        return detail

    async def body(self, exchange_id: int, side: Side) -> tuple[bytes, str]:
        """The body with framing and content coding removed where possible, and its media type."""
        if side not in ("request", "response"):
            raise HomeportError("bad-usage", f"{side!r} is no side of an exchange", "request, response")
        return await self._recording.body(exchange_id, side)

    async def clear(self) -> None:
        await self._recording.clear()
