"""The timed GPU study: its size, its archives, and the compared methods for block mass."""

import random
import shutil
from pathlib import Path

import pytest
import torch
from gpu_archives import Archives, finished_part, unpack_archives
from gpu_study import Study, affordable
from ways_to_block_mass import tiles_with_own_keys, ways

ROWS = {"distributed": {"schedule": "distributed"}, "localist": {"schedule": "localist", "partition": "semantic"}}
CONSTRAINT = {"penalty": "hinge", "weight": {"hinge": 1.0}, "fidelity_target": 1.0, "applies_to": "weight"}
CONFIG = {"arms": ROWS, "seeds": [1, 2, 3], "constraint": CONSTRAINT, "training": {"token_budget": 2_000_000}}
MEASURED = {"fixed": 2.0, "by_token": 1e-5, "evaluation": 3.0}


@pytest.mark.parametrize(
    ("seconds", "seeds", "tokens"),
    [
        (10_000, [1, 2, 3], 2_000_000),
        # Eight jobs, four at a time: 0.65 · 80 · 4 / 8 = 26 s each, 21 s of them for tokens: more than needed.
        (80, [1, 2, 3], 2_000_000),
        # 5.5 s each would leave 0.5 s for tokens; with two seeds (six jobs), 7.4 s leave 2.4 s.
        (17, [1, 2], 236_666),
    ],
)
def test_seeds_and_tokens_fit_the_time(seconds, seeds, tokens, tmp_path):
    """Catches a study that is cut off in the middle of its arms, or seeds given up before tokens."""
    study = Study(CONFIG, tmp_path, tmp_path, tmp_path, processes=4)
    found_seeds, found = affordable(study, MEASURED, seconds)
    assert found_seeds == seeds and abs(found - tokens) <= 1


def test_unfinished_runs_are_left_out():
    """Catches a study that cannot be drawn because an arm of its last seed is missing."""
    done = {("pretrained", 0), ("distributed", 1)}
    first = finished_part(CONFIG, done)
    assert (first["seeds"], list(first["arms"])) == ([1], ["distributed"])
    part = finished_part(CONFIG, done | {("localist", 1), ("distributed", 2)})
    assert (part["seeds"], list(part["arms"])) == ([1], ["distributed", "localist"])


def test_archived_runs_are_unpacked_unchanged(tmp_path):
    """Catches a run lost between two parts, or more parts in the folder than can be transferred together."""
    contents = {}
    archives = Archives(tmp_path / "out", tmp_path / "later", parts=1, part_bytes=1000)
    for seed in (1, 2):
        for folder in ("runs", "evaluation"):
            file = Path(folder) / "quintic" / f"seed{seed}" / "file.bin"
            (tmp_path / file).parent.mkdir(parents=True)
            contents[file] = random.Random(seed).randbytes(800)
            (tmp_path / file).write_bytes(contents[file])
        archives.add(tmp_path, "quintic", seed)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["part-0.tar"]
    shutil.copy(tmp_path / "later" / "part-1.tar", tmp_path / "out")
    assert unpack_archives(tmp_path / "out", tmp_path / "unpacked") == 2
    assert {file: (tmp_path / "unpacked" / file).read_bytes() for file in contents} == contents


def test_every_way_gives_the_same_share_of_own_keys():
    """Catches a method that is faster only because it computes something else."""
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(0, 5, (2, 13), generator=generator).repeat_interleave(20, dim=1)[:, :256].clone()
    ids[:, 0] = -1
    query, key, value = torch.randn(3, 2, 3, 256, 16, generator=generator)
    known = {name: way(query, key, value) for name, way in ways(ids, 5, 3).items()}
    output, share = known["two_passes"]
    for name in ("log_sum_exp", "log_sum_exp_sparse"):
        torch.testing.assert_close(known[name][0], output, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(known[name][1][:, :, 2:], share[:, :, 2:], rtol=1e-4, atol=1e-5)


def test_tiles_with_own_keys_are_counted():
    """Catches counting of tiles above the diagonal: two blocks of two tiles each have own keys in 2 · 3 of 10 tiles."""
    ids = torch.arange(512) // 256
    assert tiles_with_own_keys(ids) == (0.6, 128)
