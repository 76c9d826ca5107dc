"""What the process in `hungry.pid` uses, in per cent: `appetite.py memory LIMIT_MB`, or `appetite.py cpu`.

Nothing where there is none. Of memory it is the share of a limit, of processors the share of one.
"""

import sys
import time
from pathlib import Path

import psutil

LOOK_S = 0.2


def main() -> None:
    """Print the number."""
    noted = Path("hungry.pid")
    if not noted.exists():
        sys.stdout.write("0\n")
        return
    process = psutil.Process(int(noted.read_text()))
    if sys.argv[1] == "memory":
        share = 100 * process.memory_info().rss / (int(sys.argv[2]) << 20)
    else:
        before = process.cpu_times()
        time.sleep(LOOK_S)
        now = process.cpu_times()
        share = 100 * (now.user + now.system - before.user - before.system) / LOOK_S
    sys.stdout.write(f"{share:.2f}\n")


if __name__ == "__main__":
    main()
