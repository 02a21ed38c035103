"""The time of day for tests: it is never the machine's.

A run at night, on the last day of a year or in ten years sees the same: Saturday 2026-11-28, 10:00
in Shanghai, five days after what `World` does, and on from there.
`TCOS_TEST_CLOCK=2028-02-29T00:20 pytest …` begins at another time of Shanghai.
"""

import datetime as dt
import os
import time
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")
START = dt.datetime.fromisoformat(os.environ.get("TCOS_TEST_CLOCK", "2026-11-28T10:00"))
begun = time.monotonic()  # the machine's, the same in every process


def now():
    """Return what time it is in the tests' world, in UTC."""
    passed = dt.timedelta(seconds=time.monotonic() - begun)
    return START.replace(tzinfo=SHANGHAI).astimezone(dt.UTC) + passed


def at(text):
    """Return a clock that stands still at a time of Shanghai: 2026-12-31T23:50."""
    found = dt.datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).astimezone(dt.UTC)
    return lambda: found
