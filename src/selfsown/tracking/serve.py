"""The code inside a registered model: a Hugging Face folder behind `mlflow.pyfunc`, by its pipeline task.

MLflow copies this file into the model and runs it there, so it imports nothing of this package and nothing is pickled.
A model that no pipeline knows names its own `loader`, whose code lies in the model beside this file.
Speech recognition takes audio `[samples]` float32 at 16 kHz and returns its text; other tasks take and return what
their `transformers` pipeline does.
"""

from __future__ import annotations

import importlib
from typing import Any

import mlflow
import numpy as np
from mlflow.pyfunc import PythonModel, PythonModelContext  # type: ignore[attr-defined] # not in its __all__


class Served(PythonModel):
    """The pipeline over the folder; the model's config names the task and further pipeline arguments."""

    def load_context(self, context: PythonModelContext) -> None:
        """Build the pipeline; weights are safetensors."""
        from transformers import pipeline  # MLflow also runs this file to save the model, and that needs no torch

        config = dict(context.model_config)
        self.task = config.pop("task")
        if loader := config.pop("loader", None):
            module, _, function = loader.partition(":")
            self.pipeline = getattr(importlib.import_module(module), function)(context.artifacts["model"])
            return
        self.pipeline = pipeline(self.task, model=context.artifacts["model"], **config)

    # MLflow warns about every other type hint of model_input, and about none
    def predict(
        self, context: PythonModelContext, model_input: np.ndarray, params: dict[str, Any] | None = None
    ) -> Any:
        """One input, or whatever batch the task's pipeline takes."""
        result = self.pipeline(model_input, **(params or {}))
        return result["text"] if self.task == "automatic-speech-recognition" else result


mlflow.models.set_model(Served())
