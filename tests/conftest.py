"""Shared by all tests: settings that results depend on bit by bit, and which tests run in one process in parallel."""

import gc
import os

import pytest

# One thread, so that sums have the same order however busy the machine is. Set before torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")
os.environ.setdefault("MKL_DYNAMIC", "FALSE")

# The files whose tests use the smoke study.
SMOKE = (
    *("test_smoke.py", "test_report.py", "test_killed_training.py", "test_screen.py"),
    *("test_documented_python.py", "test_environment_variables.py"),
)


def pytest_collection_modifyitems(items):
    """Run long tests first, so that no process is left with them at the end."""
    items.sort(key=lambda item: (item.path.name not in SMOKE, not item.get_closest_marker("slow")))


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Freeze what is imported here: the garbage collector, which the Trainer calls often, need not search it."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(scope="module", autouse=True)
def frozen_modules():
    """Freeze what the tests of a file have imported, likewise."""
    yield
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Run the tests of a file, which share its fixtures, in one process; likewise all that use the smoke study."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            file = nodeid.partition("::")[0]
            return "smoke" if file.endswith(SMOKE) else file

    return ByFile(config, log)
