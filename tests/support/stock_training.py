"""Stock fine-tuning: the Hugging Face Trainer, with only the order of the windows taken from our code."""

from pathlib import Path

from transformers import PreTrainedModel, Trainer, TrainingArguments

from localist.tokens.windows import Windows
from localist.training.batches import SimilarLengths, WindowDataset, stack_windows
from localist.training.settings import Optimisation

SEED = 3


def train_stock(
    model: PreTrainedModel,
    windows: Windows,
    optimisation: Optimisation,
    folder: Path,
    *,
    warmup_steps: int,
    bf16: bool,
    micro_batches: int = 1,
) -> None:
    """Fine-tune `model` in place, on its device, with the seed SEED."""
    arguments = TrainingArguments(
        output_dir=str(folder),
        max_steps=optimisation.steps(windows),
        per_device_train_batch_size=optimisation.batch_size // micro_batches,
        gradient_accumulation_steps=micro_batches,
        learning_rate=optimisation.learning_rate,
        warmup_steps=warmup_steps,
        weight_decay=optimisation.weight_decay,
        max_grad_norm=optimisation.max_grad_norm,
        optim="adamw_torch_fused",
        seed=SEED,
        data_seed=SEED,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        bf16=bf16,
        use_cpu=model.device.type == "cpu",
    )
    order = {"_get_train_sampler": lambda self, dataset: SimilarLengths(dataset.lengths, optimisation.batch_size, SEED)}
    stock = type("StockTrainer", (Trainer,), order)
    stock(model=model, args=arguments, train_dataset=WindowDataset(windows, None), data_collator=stack_windows).train()
