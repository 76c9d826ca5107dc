"""Certificates of the drill's https endpoint, by an authority of its own.

`python -m console.drill.certificates DIR` renews the endpoint's, as whoever looks after it would.
"""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from console.drill import moment
from console.drill.place import DrillError, Place

_DAY = timedelta(days=1)
VALID = (-1 * _DAY, 90 * _DAY)
EXPIRED = (-92 * _DAY, -2 * _DAY)
"""From when to when, seen from now."""
_LIMIT_S = 20
_CONFIG = """\
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[ca]
default_ca = drill
[drill]
database = {folder}/index.txt
new_certs_dir = {folder}/issued
private_key = {folder}/authority.key
certificate = {folder}/authority.pem
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any
[any]
commonName = supplied
[endpoint]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = IP:127.0.0.1
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""
_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


class Certificates:
    """The files of the authority and of what it has issued, in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._config = folder / "openssl.cnf"
        self.authority = folder / "authority.pem"
        """What whoever asks the endpoint has to trust."""
        self.certificate = folder / "endpoint.pem"
        self.key = folder / "endpoint.key"

    def begin(self) -> None:
        """Make the authority, and a certificate that is valid; DrillError with openssl's reason."""
        (self._folder / "issued").mkdir(mode=0o700, parents=True)
        (self._folder / "index.txt").touch()
        self._config.write_text(_CONFIG.format(folder=self._folder), encoding="ascii")
        name = ("-subj", "/CN=authority of this drill", "-extensions", "authority", "-days", "3650")
        key = ("-keyout", str(self._folder / "authority.key"))
        self._openssl("req", "-x509", *_NEW_KEY, *key, "-out", str(self.authority), *name)
        asked = ("-out", str(self._folder / "endpoint.csr"), "-subj", "/CN=127.0.0.1")
        self._openssl("req", "-new", *_NEW_KEY, "-keyout", str(self.key), *asked)
        self.issue(*VALID)

    def issue(self, begins: timedelta, ends: timedelta) -> None:
        """Put a certificate into the endpoint's place that is valid from then to then."""
        now = datetime.fromtimestamp(moment.now().utc_us / 1e6, UTC)
        partial = self.certificate.with_suffix(".partial")
        dates = [(now + shift).strftime("%Y%m%d%H%M%SZ") for shift in (begins, ends)]
        request = ("-in", str(self._folder / "endpoint.csr"), "-out", str(partial))
        span = ("-startdate", dates[0], "-enddate", dates[1])
        self._openssl("ca", "-batch", "-notext", "-extensions", "endpoint", *request, *span)
        partial.replace(self.certificate)

    def _openssl(self, verb: str, *words: str) -> None:
        argv = ("openssl", verb, "-config", str(self._config), *words)
        try:
            done = subprocess.run(argv, capture_output=True, text=True, timeout=_LIMIT_S, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise DrillError(f"openssl {verb} could not be run: {error}; install openssl") from error
        if done.returncode:
            raise DrillError(f"openssl {verb} failed: {' '.join(done.stderr.split())}")


def trusting(place: Place) -> dict[str, str]:
    """The environment variable by which a process trusts the drill's certificates, where it has any."""
    files = Certificates(place.certificates)
    return {"SSL_CERT_FILE": str(files.authority)} if files.authority.exists() else {}


def main() -> None:
    """Renew the certificate of the endpoint."""
    try:
        Certificates(Path(sys.argv[1])).issue(*VALID)
    except (DrillError, OSError) as error:
        sys.exit(f"not renewed: {error}")
    sys.stdout.write("renewed, valid for 90 days\n")


if __name__ == "__main__":
    main()
