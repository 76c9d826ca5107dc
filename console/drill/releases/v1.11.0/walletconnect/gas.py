"""How much gas a transaction is given: estimated by the rules in config/gas.toml and the environment."""

from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from walletconnect.settings import read_settings


class GasRules(Struct, frozen=True, forbid_unknown_fields=True):
    """The content of config/gas.toml."""

    transfer: int
    zero_byte: int
    data_byte: int
    call: int
    call_byte: int
    margin: float
    ceiling: int

    def limit(self, data: bytes) -> int:
        """The gas limit for a transaction that carries `data`."""
        zeros = data.count(0)
        estimate = self.transfer + zeros * self.zero_byte + (len(data) - zeros) * self.data_byte
        if data:
            estimate += self.call + len(data) * self.call_byte
        return min(int(estimate * self.margin), self.ceiling)


def read_rules(root: Path) -> GasRules:
    """The rules that the tree below `root` carries; the margin is the environment's, where that says one."""
    rules = msgspec.toml.decode((root / "config" / "gas.toml").read_bytes(), type=GasRules)
    margin = read_settings().get("GAS_MARGIN")
    return rules if margin is None else replace(rules, margin=float(margin))
