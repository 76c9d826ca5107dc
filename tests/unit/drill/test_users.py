"""The drill's users: what a wallet asks for next, after what it was answered."""

import asyncio
import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from console.drill.users import Ledger, Tally, User

Answer = Callable[[str, int], int]


async def asked(tmp_path: Path, answer: Answer, count: int) -> list[str]:
    """The pages that one user asks for, when `answer` gives the status of the nth request for a page."""
    pages: list[str] = []
    enough = asyncio.Event()

    def respond(request: httpx.Request) -> httpx.Response:
        page = request.url.path
        pages.append(page)
        if len(pages) >= count:
            enough.set()
        body = {"session": "s-1", "hash": "0x1"}
        return httpx.Response(answer(page, pages.count(page)), text=json.dumps(body))

    transport = httpx.MockTransport(respond)
    with closing(Ledger(tmp_path / "acknowledged")) as ledger:
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as http:
            living = asyncio.create_task(User(0, http, Tally(), ledger).live())
            await asyncio.wait_for(enough.wait(), 30)
            living.cancel()
    return pages[:count]


async def test_a_wallet_that_connects_brings_its_address_book_up_to_date_first(tmp_path: Path) -> None:
    pages = await asked(tmp_path, lambda _page, _nth: 201, 4)
    assert pages == ["/connect", "/contact", "/sign-message", "/sign"]


@pytest.mark.parametrize("status", [500, 503])
async def test_a_contact_that_a_sick_server_did_not_keep_is_sent_again(tmp_path: Path, status: int) -> None:
    pages = await asked(tmp_path, lambda page, nth: status if page == "/contact" and nth < 3 else 201, 5)
    assert pages == ["/connect", "/contact", "/contact", "/contact", "/sign-message"]


async def test_a_release_without_address_books_is_used_all_the_same(tmp_path: Path) -> None:
    pages = await asked(tmp_path, lambda page, _nth: 404 if page == "/contact" else 201, 3)
    assert pages == ["/connect", "/contact", "/sign-message"]
