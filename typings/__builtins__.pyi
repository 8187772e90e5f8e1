# The object that Snakemake hands to a script.
from typing import Any

snakemake: Any
