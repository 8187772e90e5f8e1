"""Environment variables of every job, regardless of the user's environment."""

import os
from collections.abc import MutableMapping
from pathlib import Path

JOB_ENVIRONMENT = {
    # Jobs never contact a model hub; only the fetch rules do.
    "HF_HUB_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    # Notebooks set a backend that jobs do not have.
    "MPLBACKEND": "Agg",
    # Keep large buffers between steps instead of returning them to the system, which saves a fifth of a training step
    # on a CPU.
    "MALLOC_MMAP_THRESHOLD_": "4294967296",
    "MALLOC_TRIM_THRESHOLD_": "17179869184",
    "MALLOC_TOP_PAD_": "268435456",
    # Make matrix products bitwise reproducible, whatever the machine's load and memory alignment; no measured cost.
    "MKL_CBWR": "AUTO,STRICT",
    "MKL_DYNAMIC": "FALSE",
    # The same on a GPU.
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
}
REMOVED = (
    # Other instructions, precision or number of threads would change the last bits.
    *("ATEN_CPU_CAPABILITY", "MKL_ENABLE_INSTRUCTIONS", "MKL_DOMAIN_NUM_THREADS", "OPENBLAS_CORETYPE"),
    *("NPY_DISABLE_CPU_FEATURES", "NPY_ENABLE_CPU_FEATURES", "OMP_DYNAMIC", "OMP_THREAD_LIMIT"),
    *("DNNL_MAX_CPU_ISA", "ONEDNN_MAX_CPU_ISA", "DNNL_DEFAULT_FPMATH_MODE", "ONEDNN_DEFAULT_FPMATH_MODE"),
    *("NVIDIA_TF32_OVERRIDE", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE"),
    # Could turn library warnings into errors that end a job.
    "PYTHONWARNINGS",
)


def set_job_environment(environment: MutableMapping[str, str], scripts: Path) -> None:
    """Set up `environment` (os.environ) for jobs; they import the package in `scripts`, whatever is in PYTHONPATH."""
    for name in REMOVED:
        environment.pop(name, None)
    environment.update(JOB_ENVIRONMENT)
    # Snakemake itself adds the scripts folder only after PYTHONPATH.
    places = [str(scripts), *environment.get("PYTHONPATH", "").split(os.pathsep)]
    environment["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(filter(None, places)))
