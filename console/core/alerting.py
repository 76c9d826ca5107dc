"""How alerts of others get here, as a typed model of the strategy file: address, secret, meanings."""

from ipaddress import ip_address
from typing import Literal

from pydantic import Field

from console.core.fields import Address, AlertName, Model, SecretRef, Span, Word


class Webhook(Model):
    """Where Alertmanager tells what fires; nothing that comes here can run anything."""

    listen: Address
    secret: SecretRef
    """What whoever sends must know."""
    proof: Literal["bearer", "hmac"] = "bearer"
    """How they show it: as a bearer token, or by signing time and body with it."""
    window: Span = 300.0
    """How far the time of a signed message may be from ours."""
    alerts: dict[AlertName, Word] = Field(default_factory=dict)
    """What an alert means: the metric or the declared trigger of that name. Others are noted alone."""

    @property
    def host(self) -> str:
        """The address without its port, and without the brackets of IPv6."""
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The port."""
        return int(self.listen.rpartition(":")[2])

    @property
    def is_loopback(self) -> bool:
        """Whether this machine alone can reach it."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"
