"""Our trainer, as the stage `tinyllama.pretrain` calls it: `run_ours.py JOB compiled|plain`."""

from __future__ import annotations

import json
import sys

from recorded import INITIAL, PACKED, TOKENIZER, Job, Recorder, job_folder

from selfsown.tinyllama.model.llama import PretrainedLlama
from selfsown.tinyllama.training.trainer import TrainingParams, train_model
from selfsown.tinyllama.vocabulary.forms import load_tokenizer


def main() -> None:
    """Train; the losses stand beside the model."""
    folder = job_folder()
    job = Job.read(folder)
    work = folder / "ours" / "work"
    work.mkdir(parents=True)
    (work / "identity").touch()  # a stage would say there what it trains
    block = {**job.arguments(), "save_steps": job.steps, "torch_compile": sys.argv[2] == "compiled"}
    schedule = [{"steps": job.steps, "mixture": {"code": 1}}]
    params = TrainingParams(context=job.context, schedule=schedule, validation=1, arguments=block)
    model = PretrainedLlama.from_pretrained(folder / INITIAL).train()
    recorder = Recorder()
    words = load_tokenizer(folder / TOKENIZER)
    train_model(model, words, params, folder / PACKED, work, seed=job.seed, section="benchmark")
    recorder.write([entry["loss"] for entry in json.loads((work.parent / "losses.json").read_text())])


if __name__ == "__main__":
    main()
