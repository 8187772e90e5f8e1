"""Settings of the workflow that tests of bits rely on; set before torch is imported."""

import os

os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")
os.environ.setdefault("MKL_DYNAMIC", "FALSE")
