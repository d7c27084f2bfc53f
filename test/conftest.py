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


def pytest_collection_modifyitems(items):
    """Tests of a file with the mark `kafka` need its jars; without them the file says so and is listed as Skipped (its
    ctest has SKIP_RETURN_CODE 77)."""
    if any(item.get_closest_marker("kafka") for item in items) and java.missing():
        pytest.exit(java.missing(), returncode=java.NOT_TESTED)
