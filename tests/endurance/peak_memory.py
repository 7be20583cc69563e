"""The most memory that a process has held."""

import re
import resource
from pathlib import Path


def peak_bytes(pid: int | None = None) -> int:
    """Return the greatest resident memory of a process so far, this one by default, in bytes; 0 where it has ended.

    Linux counts in getrusage what the parent held before it started a process, so the process's own record is asked.
    Other systems can tell it of this process alone.
    """
    status = Path(f"/proc/{pid or 'self'}/status")
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
    except (FileNotFoundError, ProcessLookupError):
        return 0 if pid else 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return 1024 * int(found[1]) if found else 0
