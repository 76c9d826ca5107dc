"""prometheus_client's own parser over a page once a second: `python -m tests.bench.watch_parser PORT`."""

import sys
import time
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

from tests.servers import LOOPBACK


def main() -> None:
    """Fetch and read the page until the process is ended."""
    while True:
        began = time.monotonic()
        with urllib.request.urlopen(f"http://{LOOPBACK}:{sys.argv[1]}/metrics") as answer:
            for family in text_string_to_metric_families(answer.read().decode()):
                for sample in family.samples:
                    float(sample.value)
        time.sleep(max(0.0, 1 - (time.monotonic() - began)))


if __name__ == "__main__":
    main()
