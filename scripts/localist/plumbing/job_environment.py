"""Environment variables that every job runs with."""

# Whatever the user's environment says: that of a notebook names a backend for figures which no job has.
FIXED_ENVIRONMENT = {"MPLBACKEND": "Agg"}
# Unless the user's environment says something else.
JOB_ENVIRONMENT = {
    # Jobs never contact a model hub; only the fetch rules do.
    "HF_HUB_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    # Large buffers are kept between steps instead of being handed back to the system, which saves a fifth of the time
    # of a training step on a CPU.
    "MALLOC_MMAP_THRESHOLD_": "4294967296",
    "MALLOC_TRIM_THRESHOLD_": "17179869184",
    "MALLOC_TOP_PAD_": "268435456",
    # Matrix products give the same bits whatever else the machine is doing, wherever memory lies; measured at no cost.
    "MKL_CBWR": "AUTO,STRICT",
    "MKL_DYNAMIC": "FALSE",
    # The same on a GPU.
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
}
