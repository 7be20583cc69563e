"""The most memory that this process has held."""

import re
import resource
from pathlib import Path


def peak_bytes() -> int:
    """Return the greatest resident memory of this process so far, in bytes.

    Linux counts in getrusage what the parent held before it started this process, so its own record is asked first.
    """
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return 1024 * (int(found[1]) if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
