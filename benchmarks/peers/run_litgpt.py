"""litgpt's own pre-training loop: `run_litgpt.py JOB`. It compiles, unless TORCHDYNAMO_DISABLE=1 is set.

Its packages are in a folder of their own, on PYTHONPATH after ours: `litgpt.txt` says which.
"""

from __future__ import annotations

import csv
from pathlib import Path

import litgpt.pretrain
import torch
from litgpt.args import EvalArgs, TrainArgs
from litgpt.config import Config
from litgpt.data import DataModule
from litgpt.scripts.convert_hf_checkpoint import copy_weights_hf_llama
from recorded import INITIAL, Job, Recorder, job_folder, sequences
from safetensors.torch import load_file
from torch.utils.data import DataLoader
from transformers import LlamaConfig

from selfsown.device import compute_dtype

NEVER = 1 << 40


class InTurn(DataModule):
    """The sequences as they come, as litgpt takes them: `[batch, context + 1]`."""

    def __init__(self, rows: torch.Tensor) -> None:
        super().__init__()
        self.rows, self.batch = rows, 1

    def connect(self, tokenizer: object = None, batch_size: int = 1, max_seq_length: int | None = None) -> None:
        """The batch size."""
        self.batch = batch_size

    def train_dataloader(self) -> DataLoader[torch.Tensor]:
        """In order."""
        return DataLoader(self.rows, batch_size=self.batch, shuffle=False)

    val_dataloader = train_dataloader


def config_of(llama: LlamaConfig) -> Config:
    """The same architecture."""
    return Config(
        name="bench",
        block_size=llama.max_position_embeddings,
        vocab_size=llama.vocab_size,
        padded_vocab_size=llama.vocab_size,
        n_layer=llama.num_hidden_layers,
        n_head=llama.num_attention_heads,
        n_query_groups=llama.num_key_value_heads,
        n_embd=llama.hidden_size,
        intermediate_size=llama.intermediate_size,
        rotary_percentage=1.0,
        parallel_residual=False,
        bias=False,
        norm_class_name="RMSNorm",
        norm_eps=llama.rms_norm_eps,
        mlp_class_name="LLaMAMLP",
    )


def convert(folder: Path, config: Config) -> Path:
    """The first weights under litgpt's names, by its own converter."""
    made: dict[str, torch.Tensor] = {}
    weights = load_file(folder / INITIAL / "model.safetensors")
    copy_weights_hf_llama(config, {}, made, weights)
    out = folder / "litgpt" / "initial"
    out.mkdir(parents=True, exist_ok=True)
    torch.save(made, out / "lit_model.pth")
    return out


def main() -> None:
    """Train; litgpt's CSV logger has the losses."""
    folder = job_folder()
    job = Job.read(folder)
    config = config_of(LlamaConfig.from_pretrained(folder / INITIAL))
    initial = convert(folder, config)
    litgpt.pretrain.save_checkpoint = lambda *_: None  # after the last step; it would parse our command line
    recorder = Recorder()
    out = folder / "litgpt" / "out"
    litgpt.pretrain.setup(
        "bench",
        model_config=config,
        out_dir=out,
        precision="bf16-mixed" if compute_dtype() == torch.bfloat16 else "32-true",
        initial_checkpoint_dir=initial,
        data=InTurn(sequences(folder)),
        train=TrainArgs(
            save_interval=None,
            log_interval=1,
            global_batch_size=job.batch,
            micro_batch_size=job.batch,
            max_tokens=job.steps * job.batch * job.context,
            max_seq_length=job.context,
            max_norm=job.clip,
            min_lr=job.learning_rate * job.least_rate,
            lr_warmup_steps=job.warmup,
            tie_embeddings=True,
        ),
        eval=EvalArgs(interval=NEVER, max_iters=1, final_validation=False),
        optimizer={
            "class_path": "torch.optim.AdamW",
            "init_args": {"lr": job.learning_rate, "weight_decay": job.weight_decay, "betas": (0.9, job.beta2)},
        },
        devices=1,
        logger_name="csv",
        seed=job.seed,
    )
    (log,) = out.rglob("metrics.csv")
    with log.open() as lines:
        recorder.write([float(row["loss"]) for row in csv.DictReader(lines) if row["loss"]])


if __name__ == "__main__":
    main()
