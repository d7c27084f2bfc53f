import os

import pytest

from support import java


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A test that skips itself has failed: nothing here may be left out silently."""
    outcome = yield
    report = outcome.get_result()
    if report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, and no test here may be: {report.longrepr}"


def pytest_collection_modifyitems(config, items):
    """Tests of a file with the mark `kafka` need its jars; without them the file says so and is listed as Skipped (its
    ctest has SKIP_RETURN_CODE 77). One with the mark `starts_java` has a module start what runs in this machine's Java, which
    other control hosts (test/compat) lack: there it is deselected, and counted as that."""
    if any(item.get_closest_marker("kafka") for item in items) and java.missing():
        pytest.exit(java.missing(), returncode=java.NOT_TESTED)
    left_out = [item for item in items if "TBU_CONTROL_HOST" in os.environ and item.get_closest_marker("starts_java")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
