"""Settings of the workflow that tests of bits rely on; set before torch is imported."""

import os

# One thread: sums are then in the same order however busy the machine is.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")
os.environ.setdefault("MKL_DYNAMIC", "FALSE")
