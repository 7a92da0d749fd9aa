"""The body of a submission, checked field by field."""

from typing import Annotated, Any, Literal

from promptqueue.prompt import Idempotency, NewPrompt, Priority
from pydantic import AfterValidator, Field, StrictBool, ValidationError, WithJsonSchema
from pydantic_core import PydanticCustomError, to_json

from proxy.asking import chat, fingerprint, json_schema, parsing, values
from proxy.asking.chat import Messages, Tools
from proxy.asking.fields import Fields, Finite, Ignored, JSONObject, KeepAlive, No, NoList, NoText, SomeText, Text, Zero
from proxy.asking.options import RUNNER_OPTIONS, Options
from proxy.errors import InvalidRequest, UnsupportedModel

LARGEST_METADATA = 4096  # bytes of compact JSON
A_YEAR = 365 * 24 * 3600  # seconds
A_DAY = 24 * 3600  # seconds

HINTS = {
    **dict.fromkeys(
        RUNNER_OPTIONS, "it would load the model anew for everybody; the operator sets it, so leave it out"
    ),
    **dict.fromkeys(("width", "height", "steps"), "no pictures are made; leave it out"),
    **dict.fromkeys(("logprobs", "top_logprobs"), "the probabilities of tokens are not given; leave it out"),
    "suffix": "the model cannot write what comes before a text; put it into the prompt",
    "template": "the model's own template is used; put what it should say into prompt and system",
    "context": "nothing is kept from one prompt to the next; send the whole chat as messages",
    "think": "the model does not think aloud; leave it out",
    "raw": "the model's own template is always used; leave it out",
    "images": "no images are taken; leave it out",
    "_debug_render_only": "every prompt is answered; leave it out",
}
"""Fields that Ollama knows and that are refused here, all but a value that says nothing, and why."""


def _format(value: Any) -> Any:
    if value in (None, "", "json"):
        return value or None
    if not isinstance(value, dict):
        raise PydanticCustomError("format", 'it must be "json" or a JSON Schema')
    if problem := json_schema.problem(value):
        raise PydanticCustomError("format", "it is not a JSON Schema (draft 2020-12): {problem}", {"problem": problem})
    return value


def _metadata(value: dict[str, Any]) -> dict[str, Any]:
    if len(to_json(value)) > LARGEST_METADATA:
        raise PydanticCustomError("metadata", "it may have 4096 bytes as compact JSON")
    return value


class Submission(Fields):
    """A prompt or a chat to be answered, and how. A field that is null is the same as absent."""

    prompt: SomeText | None = None
    messages: Messages | None = None
    system: Text | None = None
    format: Annotated[
        Any,
        AfterValidator(_format),
        WithJsonSchema({"anyOf": [{"enum": ["json", ""]}, {"$comment": "JSONObject"}, {"type": "null"}]}),
    ] = None
    options: Options | None = None
    tools: Tools | None = None
    model: Text | None = None
    priority: Literal["interactive", "batch"] | None = None
    expires_in: Annotated[Finite, Field(gt=0, le=A_YEAR, description="Seconds it may wait.")] | None = None
    timeout: Annotated[Finite, Field(gt=0, le=A_DAY, description="Seconds an attempt may run.")] | None = None
    metadata: (
        Annotated[JSONObject, AfterValidator(_metadata), Field(description="Given back with the status; 4 KiB.")] | None
    ) = None
    stream: StrictBool | None = None
    keep_alive: KeepAlive | None = None
    think: No | None = None
    truncate: Ignored | None = None
    shift: Ignored | None = None
    suffix: NoText | None = None
    template: NoText | None = None
    context: NoList | None = None
    raw: No | None = None
    images: NoList | None = None
    logprobs: No | None = None
    top_logprobs: Zero | None = None
    width: Zero | None = None
    height: Zero | None = None
    steps: Zero | None = None
    debug_render_only: Annotated[No | None, Field(alias="_debug_render_only")] = None


def read(data: bytes, *, charset: str | None, key: str | None) -> tuple[str | None, NewPrompt]:
    """Read a body; give the model that it names, which is yet to be checked, and what the queue takes.

    `charset` is that of its Content-Type, `key` its Idempotency-Key. Raises InvalidJSON and InvalidRequest.
    """
    body = parsing.parse(data, charset=charset)
    asked = submitted(body)
    idempotency = None if key is None else Idempotency(key=key, fingerprint=fingerprint.of(body))
    return asked.model, new_prompt(asked, idempotency)


def submitted(value: Any) -> Submission:
    """Check a body that was read as JSON, all but the model that it names. Raises InvalidRequest."""
    if not isinstance(value, dict):
        twice = ", and this one was encoded twice" if isinstance(value, str) and value[:1] == "{" else ""
        message = f"The body must be a JSON object with a prompt or messages{twice}."
        raise InvalidRequest(message)
    try:
        asked = Submission.model_validate(value)
    except ValidationError as errors:
        raise _refusal(errors) from None
    _check_question(asked)
    return asked


def check_model(model: str, *, answers: str) -> None:
    """Check that this model is the one that answers. Raises UnsupportedModel."""
    if model not in names(answers):
        message = f"Prompts are answered by {answers}. Leave the field model out, or send that name."
        raise UnsupportedModel(message, param="model")


def new_prompt(asked: Submission, idempotency: Idempotency | None = None) -> NewPrompt:
    """Give what the queue takes."""
    question = {"prompt": asked.prompt} if asked.messages is None else {"messages": chat.written(asked.messages)}
    options = None if asked.options is None else asked.options.written()
    more = {"system": asked.system, "format": asked.format, "options": options, "tools": asked.tools}
    return NewPrompt(
        request={**question, **{name: value for name, value in more.items() if value is not None}},
        priority=Priority(asked.priority or Priority.INTERACTIVE),
        expires_in=asked.expires_in,
        timeout=asked.timeout,
        metadata=asked.metadata,
        idempotency=idempotency,
    )


def names(model: str) -> tuple[str, ...]:
    """Give the names of a model: a name without a tag means its latest."""
    if ":" not in model:
        return (model, f"{model}:latest")
    return (model, model.removesuffix(":latest"))


def _check_question(asked: Submission) -> None:
    """Check that there is exactly one question, and that it asks something."""
    if asked.prompt is None and asked.messages is None:
        message = "The body asks nothing. Send a prompt (a string) or messages (a chat)."
        raise InvalidRequest(message, param="prompt")
    if asked.messages is None:
        return
    if asked.prompt is not None:
        message = "The body holds both prompt and messages. Send one of them."
        raise InvalidRequest(message, param="messages")
    for index, each in enumerate(asked.messages):
        if chat.is_empty(each):
            message = f"Message {index} says nothing. Give it content; only an assistant's tool calls need none."
            raise InvalidRequest(message, param=f"messages.{index}.content")
    last = len(asked.messages) - 1
    if asked.messages[last]["role"] not in ("user", "tool"):
        message = "The last message must be the user's or a tool's, or there is nothing to answer."
        raise InvalidRequest(message, param=f"messages.{last}.role")
    for index in range(last, -1, -1):
        if asked.messages[index]["role"] == "user":
            if not (asked.messages[index].get("content") or "").strip():
                message = "The user's last message must hold more than white space."
                raise InvalidRequest(message, param=f"messages.{index}.content")
            break


def _refusal(errors: ValidationError) -> InvalidRequest:
    error = errors.errors(include_url=False, include_context=False, include_input=False)[0]
    name = error["loc"][-1] if error["loc"] else ""
    path = values.dotted(error["loc"])
    if name in HINTS:
        return InvalidRequest(f"The field {path} is not accepted: {HINTS[str(name)]}.", param=path)
    if error["type"] == "extra_forbidden":
        message = f"The field {path} is not known. Leave it out; the specification lists the fields there are."
        return InvalidRequest(message, param=path)
    if error["type"] == "missing":
        return InvalidRequest(f"The field {path} is missing.", param=path)
    why = error["msg"][:1].lower() + error["msg"][1:]
    return InvalidRequest(f"{'The body' if path is None else f'The field {path}'} is not accepted: {why}.", param=path)
