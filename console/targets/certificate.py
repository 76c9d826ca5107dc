"""When a certificate that has expired did so: asked of whoever shows it, who must be right in all else."""

import asyncio
import ssl
from contextlib import suppress

import httpx

_NO_CHECK_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME of OpenSSL: the chain and the name are verified, the dates are not."""


async def expired_at(url: str, limit_s: float) -> int | None:
    """When the certificate that is shown at `url` expires, seconds since 1970.

    None where nobody shows one within `limit_s` seconds that can be verified but for its dates.
    """
    asked = httpx.URL(url)
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(limit_s):
            return await _shown(asked.host, asked.port or 443)
    return None


async def _shown(host: str, port: int) -> int | None:
    context = httpx.create_ssl_context()
    context.verify_flags |= _NO_CHECK_TIME
    _, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=host)
    try:
        shown = writer.get_extra_info("ssl_object").getpeercert()
    finally:
        writer.close()
    return int(ssl.cert_time_to_seconds(shown["notAfter"])) if shown else None
