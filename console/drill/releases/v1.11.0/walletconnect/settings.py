"""Settings of a deployment: the lines of the file that WALLETCONNECT_ENV_FILE names."""

import os
from pathlib import Path


def read_settings() -> dict[str, str]:
    """Every `KEY=value` of the file, read when the service starts; none where no file is named."""
    path = os.environ.get("WALLETCONNECT_ENV_FILE")
    if path is None:
        return {}
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return {key.strip(): value.strip() for key, value in pairs}
