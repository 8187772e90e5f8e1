"""A study can use a schedule and a partition that are added only to their registries."""

from conftest import Workplace, copied_checkout


def append(path, text):
    with path.open("a", encoding="utf-8") as stream:
        stream.write(text)


def test_a_study_plans_with_a_new_schedule_and_partition(tmp_path):
    """Catches names that must also be listed elsewhere: in the schema, a wildcard or a rule."""
    place = Workplace(tmp_path / "study", copied_checkout(tmp_path))
    package = place.checkout / "scripts" / "localist"
    append(
        package / "study" / "schedules.py",
        '\nSCHEDULES |= {"last_layer": lambda n, beta, least: [0.0] * (n - 1) + [1.0]}\n',
    )
    append(package / "blocks" / "partitions.py", '\nPARTITIONS |= {"span_shuffled": Partition("spans", shuffled)}\n')
    arms = {
        "distributed": {"schedule": "distributed"},
        "toy": {"schedule": "last_layer", "partition": "span_shuffled"},
    }
    config = place.config(arms=arms, blocks={"measured": ["semantic", "span_shuffled"]}, draw=None)
    planned = place.planned(config)
    assert planned["train_model"] == 2 and planned["partition_tokens"] == 2 and planned["detect_spans"] == 1


def test_an_unknown_partition_is_refused_with_the_known_ones(workplace):
    """Catches a config that is not checked against the registries."""
    done = workplace.snakemake(workplace.config(blocks={"measured": ["semantic", "nonsense"]}), "--dry-run")
    assert "'nonsense' is not one of semantic, spans, fixed, shifted, shuffled" in done.stdout + done.stderr
