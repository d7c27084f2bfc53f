"""Waiting for something to become true, by a deadline."""
import time


class NotInTime(AssertionError):
    pass


def until(what, probe, seconds=30.0, every=0.02):
    """Calls probe until it returns something true, and returns that; NotInTime names `what` after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        found = probe()
        if found:
            return found
        if time.monotonic() > end:
            raise NotInTime(f"not within {seconds} s: {what}")
        time.sleep(every)
