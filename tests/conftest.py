"""What all tests share: settings that bits depend on, and which tests run in one process when run in parallel."""

import gc
import os

import pytest

# One thread: sums are then in the same order however busy the machine is. Set before torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")
os.environ.setdefault("MKL_DYNAMIC", "FALSE")

# The files whose tests look at the smoke study.
SMOKE = (
    *("test_smoke.py", "test_report.py", "test_killed_training.py", "test_screen.py"),
    *("test_documented_python.py", "test_environment_variables.py"),
)


def pytest_collection_modifyitems(items):
    """Long tests first, so that no process is left alone with them at the end."""
    items.sort(key=lambda item: (item.path.name not in SMOKE, not item.get_closest_marker("slow")))


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """What is imported here stays: the garbage collector, which some libraries call often, need not search it."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """The tests of a file share its fixtures, so they run in one process; so do all that look at the smoke study."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            file = nodeid.partition("::")[0]
            return "smoke" if file.endswith(SMOKE) else file

    return ByFile(config, log)
