"""Our trainer, as the stage `tinyllama.pretrain` calls it: `run_ours.py JOB compiled|plain`."""

from __future__ import annotations

import json
import sys

from recorded import INITIAL, PACKED, TOKENIZER, Job, Recorder, job_folder

from selfsown.tinyllama.model.llama import PretrainedLlama
from selfsown.tinyllama.packed.streams import Packed
from selfsown.tinyllama.training.trainer import TrainingParams, run
from selfsown.tinyllama.vocabulary.forms import load_tokenizer


def main() -> None:
    """Train; the checkpoint after the last step holds the losses."""
    folder = job_folder()
    job = Job.read(folder)
    work = folder / "ours"
    work.mkdir()
    block = {**job.arguments(), "save_steps": job.steps, "torch_compile": sys.argv[2] == "compiled"}
    schedule = [{"steps": job.steps, "mixture": {"code": 1}}]
    params = TrainingParams(context=job.context, schedule=schedule, validation=1, arguments=block)
    model = PretrainedLlama.from_pretrained(folder / INITIAL).train()
    recorder = Recorder()
    packed = Packed.open(folder / PACKED)
    run(model, load_tokenizer(folder / TOKENIZER), params, packed, work, seed=job.seed, section="benchmark")
    state = json.loads((work / f"checkpoint-{job.steps}" / "trainer_state.json").read_text())
    recorder.write([entry["loss"] for entry in state["log_history"] if "loss" in entry])


if __name__ == "__main__":
    main()
