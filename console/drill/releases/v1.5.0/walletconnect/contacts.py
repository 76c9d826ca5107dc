"""The address book of each user: whom they mean by a name."""

from walletconnect.database import Database

INSERT = """
    INSERT INTO contacts (user_id, name, address) VALUES (%s, %s, %s)
    ON CONFLICT (user_id, name) DO UPDATE SET address = excluded.address
"""


class NoContactError(Exception):
    """The user's address book has no such name."""


class Contacts:
    """Addresses by name, for each user their own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, user_id: int, name: str, address: str) -> None:
        """Write an address down under a name, in place of the one that stood there."""
        await self._database.insert(INSERT, (user_id, name, address))

    async def address(self, user_id: int, recipient: str) -> str:
        """The recipient if it is an address, else the one that the user keeps under that name.

        Raises NoContactError when there is none.
        """
        if recipient.startswith("0x"):
            return recipient
        address = await self._database.contact(user_id, recipient)
        if address is None:
            raise NoContactError(f"no contact named {recipient}: add it first")
        return address
