"""A study gives the same bytes whatever the user's environment variables (a minute on two idle cores)."""

import os
import shutil
import subprocess

import pytest
from compared_results import differences, result_files
from conftest import SMOKE, Workplace

pytestmark = pytest.mark.slow

HOSTILE = {
    # An unreachable hub: the port is closed.
    "HF_HUB_OFFLINE": "0",
    "HF_ENDPOINT": "http://127.0.0.1:9",
    "HF_TRUST_REMOTE_CODE": "1",
    "TRANSFORMERS_VERBOSITY": "debug",
    "TOKENIZERS_PARALLELISM": "true",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    # Other threads, instructions and precision.
    "OMP_NUM_THREADS": "7",
    "MKL_NUM_THREADS": "3",
    "OPENBLAS_NUM_THREADS": "5",
    "OMP_DYNAMIC": "TRUE",
    "MKL_DYNAMIC": "TRUE",
    "MKL_CBWR": "COMPATIBLE",
    "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
    "OPENBLAS_CORETYPE": "Prescott",
    "ATEN_CPU_CAPABILITY": "default",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "ONEDNN_DEFAULT_FPMATH_MODE": "BF16",
    "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4",
    "CUBLAS_WORKSPACE_CONFIG": ":0:0",
    "PYTHONHASHSEED": "5",
    "PYTHONWARNINGS": "error::DeprecationWarning",
    "LC_ALL": "C",
    "LANG": "tr_TR.UTF-8",
    "TZ": "Asia/Kathmandu",
    "SOURCE_DATE_EPOCH": "1",
    "COLUMNS": "40",
    "NO_COLOR": "1",
}
UMASK = 0o077


@pytest.fixture
def hostile(tmp_path_factory):
    """HOSTILE, and variables that name folders: modules with our names, 30-point fonts, an empty cache."""
    folder = tmp_path_factory.mktemp("hostile")
    for module in ("localist/__init__", "localist/plumbing/__init__", "errors", "figures", "tables"):
        path = folder / "modules" / f"{module}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"raise ImportError({module!r})\n", encoding="utf-8")
    (folder / "matplotlibrc").write_text("font.size: 30\nsavefig.dpi: 40\n", encoding="utf-8")
    (folder / "hub").mkdir()
    named = {"PYTHONPATH": folder / "modules", "MATPLOTLIBRC": folder / "matplotlibrc", "HF_HOME": folder / "hub"}
    return os.environ | HOSTILE | {name: str(path) for name, path in named.items()}


def run(place, environment, *targets):
    done = subprocess.run(
        place.command(SMOKE, *(f"results/smoke/{target}" for target in targets)),
        cwd=place.folder,
        env=environment,
        umask=UMASK,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_environment_changes_no_byte_of_models_and_evaluations(smoke, workplace, hostile):
    """Catches a variable that affects arithmetic, ordering, or the source of a model or of our code."""
    place = Workplace(workplace.folder, smoke.checkout)
    evaluation = [f"evaluation/quintic/seed1/{name}" for name in ("metrics.json", "dial.parquet")]
    run(place, hostile, *evaluation, "blocks/map.parquet", "explorer/quintic/seed1.npz")
    ours, theirs = (folder / "results" / "smoke" for folder in (place.folder, smoke.folder))
    made = result_files(ours)
    assert {*evaluation, "runs/quintic/seed1/model/model.safetensors", "blocks/embeddings.npy"} <= made
    assert differences(ours, theirs, result_files(theirs) - made) == []


def test_the_environment_changes_no_byte_of_tables_figures_and_pages(smoke, workplace, hostile):
    """Catches a variable that affects fonts, dates, row order, or the formatting of numbers and text."""
    ours, theirs = (folder / "results" / "smoke" for folder in (workplace.folder, smoke.folder))
    made_again = ("tables", "figures", "*.html", "README.md", "config.yaml")
    shutil.copytree(theirs, ours, ignore=shutil.ignore_patterns(*made_again))
    figures = [f"figures/{name}.pdf" for name in ("attention_maps", "block_ribbon", "claims", "dial")]
    tables = [
        f"tables/{name}" for name in ("claims.tex", "extraction.html", "numbers.tex", "study.json", "summary.html")
    ]
    others = ("config.yaml", "explorer.html")
    run(Workplace(workplace.folder, smoke.checkout), hostile, *figures, *tables, *others)
    made = result_files(ours)
    assert {*figures, *tables, *others, "tables/arms.csv"} <= made
    assert differences(ours, theirs, result_files(theirs) - made) == []
