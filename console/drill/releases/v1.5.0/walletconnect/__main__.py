"""Starts the service: python -m walletconnect --port 8000."""

import argparse
import os
from pathlib import Path

import uvicorn

from walletconnect.app import create_app


def secret(variable: str) -> str:
    """The content of the file that the environment variable names."""
    return Path(os.environ[variable]).read_text(encoding="utf-8").strip()


def main() -> None:
    """Serve on the loopback interface until told to stop."""
    parser = argparse.ArgumentParser(prog="walletconnect")
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    app = create_app(
        root=Path(__file__).parent.parent,
        database_url=secret("WALLETCONNECT_DATABASE_FILE"),
        cache_url=secret("WALLETCONNECT_CACHE_FILE"),
    )
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=1,
    )


if __name__ == "__main__":
    main()
