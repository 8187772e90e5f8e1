"""What all tests share: settings that bits depend on, and which tests run in one process when run in parallel."""

import os

import pytest

# One thread: sums are then in the same order however busy the machine is. Set before torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")
os.environ.setdefault("MKL_DYNAMIC", "FALSE")


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items):
    """Long tests first, so that no process is left alone with them; the tests of a file share its fixtures.

    All that look at the smoke study run in one process, so that it is computed once.
    """
    for item in items:
        smoke = "smoke" in getattr(item, "fixturenames", ())
        item.add_marker(pytest.mark.xdist_group("smoke" if smoke else item.path.stem))
    items.sort(key=lambda item: not item.get_closest_marker("slow"))
