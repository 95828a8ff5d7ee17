"""The library's `Trainer` with its default settings on a plain `LlamaForCausalLM`: `run_trainer.py JOB`."""

from __future__ import annotations

from collections.abc import Iterator

from recorded import INITIAL, Job, Recorder, job_folder, sequences
from torch import Tensor
from torch.utils.data import IterableDataset
from transformers import LlamaForCausalLM, Trainer, TrainingArguments

from selfsown.training import execution_arguments


class InTurn(IterableDataset[dict[str, Tensor]]):
    """The sequences as they come: an iterable is what `Trainer` does not shuffle."""

    def __init__(self, rows: Tensor) -> None:
        self.rows = rows

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        """Given `shift_labels`, the library does not shift: it makes `context` predictions, as many as the others."""
        for row in self.rows:
            yield {"input_ids": row[:-1], "labels": row[1:], "shift_labels": row[1:]}


def main() -> None:
    """Train."""
    folder = job_folder()
    job = Job.read(folder)
    arguments = TrainingArguments(
        output_dir=str(folder / "trainer"), max_steps=job.steps, seed=job.seed, save_strategy="no",
        remove_unused_columns=False, **job.arguments(), **execution_arguments(),
    )  # fmt: skip
    model = LlamaForCausalLM.from_pretrained(folder / INITIAL)
    recorder = Recorder()
    trainer = Trainer(model=model, args=arguments, train_dataset=InTurn(sequences(folder)))
    trainer.train()
    recorder.write([entry["loss"] for entry in trainer.state.log_history if "loss" in entry])


if __name__ == "__main__":
    main()
