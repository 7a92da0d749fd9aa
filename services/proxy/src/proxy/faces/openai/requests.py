"""What requests for chats and for completions have in common beside sampling."""

from typing import Annotated, Any

from promptqueue.prompt import Priority
from pydantic import Field, StrictBool

from proxy.asking.fields import JSONObject, Text, Whole
from proxy.faces.openai.fields import Fields, Metadata, only
from proxy.faces.openai.sampling import FullSampling

PRIORITIES = {"flex": Priority.BATCH}
"""Tiers of service that mean a lane; any other means nothing here."""

ONE_ANSWER = "A prompt has one answer here. Send the request once for each answer."
NO_PROBABILITIES = "The probabilities of tokens are not given. Leave the field out."
NO_BIAS = "Tokens cannot be made more or less likely. Leave the field out."

LONGEST_TIER = 64  # characters; each piece of an answer repeats it

One = Annotated[Whole, only(lambda value: value == 1, ONE_ANSWER)]
NoBias = Annotated[JSONObject, only(lambda value: not value, NO_BIAS)]
Tier = Annotated[Text, Field(max_length=LONGEST_TIER)]


class StreamOptions(Fields):
    """How a stream is written."""

    include_usage: StrictBool | None = None


class Request(FullSampling):
    """The fields that requests for chats and for completions have in common."""

    model: Text | None = None
    max_tokens: Whole | None = None
    n: One | None = None
    logit_bias: NoBias | None = None
    stream: StrictBool | None = None
    stream_options: StreamOptions | None = None
    service_tier: Tier | None = None
    metadata: Metadata | None = None

    @property
    def priority(self) -> Priority:
        """The lane that its tier of service means."""
        return PRIORITIES.get(self.service_tier or "", Priority.INTERACTIVE)

    @property
    def repeated(self) -> dict[str, Any]:
        """What the answer repeats of it, and how it is written."""
        tier = {} if self.service_tier is None else {"service_tier": self.service_tier}
        counted = self.stream_options is not None and bool(self.stream_options.include_usage)
        return {"model": self.model or "", "include_usage": counted, **tier}
