"""The sampling options of one prompt, by Ollama's names."""

from typing import Any, ClassVar

from proxy.asking.fields import Fields, Single, Stops, Whole

RUNNER_OPTIONS = frozenset(
    {
        "num_ctx", "num_batch", "num_gpu", "main_gpu", "use_mmap", "use_mlock", "num_thread", "numa", "low_vram",
        "draft_num_predict", "f16_kv", "logits_all", "vocab_only", "embedding_only", "num_gqa", "rope_frequency_base",
        "rope_frequency_scale",
    }
)  # fmt: skip
"""Options of Ollama's runner: another value loads the model anew, for everybody who waits."""


class Options(Fields):
    """How this prompt's answer is sampled. Fractions of whole numbers are cut off, as by Ollama."""

    num_predict: Whole | None = None
    num_keep: Whole | None = None
    seed: Whole | None = None
    top_k: Whole | None = None
    top_p: Single | None = None
    min_p: Single | None = None
    typical_p: Single | None = None
    repeat_last_n: Whole | None = None
    temperature: Single | None = None
    repeat_penalty: Single | None = None
    presence_penalty: Single | None = None
    frequency_penalty: Single | None = None
    stop: Stops | None = None

    refused: ClassVar[frozenset[str]] = RUNNER_OPTIONS

    def written(self) -> dict[str, Any]:
        """Give the options that were set; a `num_predict` of 0 or less means the default."""
        options = self.model_dump(exclude_none=True)
        if options.get("num_predict", 1) <= 0:
            del options["num_predict"]
        return options
