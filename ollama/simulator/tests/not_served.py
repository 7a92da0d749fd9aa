"""The recorded exchanges that the simulator is not held to, each with the reason. What is not here is replayed."""

_NO_CLOUD = "the simulator is an Ollama with OLLAMA_NO_CLOUD=1, as the product runs it: 403, no call to the cloud"
_NO_EMBEDDING = "nothing here embeds"
_NO_WRITING = "nothing here makes, copies or uploads models"
_ACCOUNT = "nothing here has an account"

NOT_SERVED: dict[tuple[str, str], str] = {
    ("basics", "status"): _NO_CLOUD,
    ("generate-errors", "model cloud"): _NO_CLOUD,
    ("generate-errors", "model -cloud"): _NO_CLOUD,
    ("http", "client shuts its sending side after the request"): "a defect: the real one never closes it",
    **{
        ("models", case): _NO_EMBEDDING
        for case in (
            "embed a generating model",
            "embed two",
            "embed, no input",
            "embed, empty input",
            "embed, number",
            "embed, model missing",
            "embed, unknown model",
            "embed, no body",
            "embed, long",
            "embed, long, truncate false",
            "embeddings (old)",
        )
    },
    **{
        ("models", case): _NO_WRITING
        for case in (
            "push, invalid",
            "push, missing",
            "push, no name",
            "push, no network",
            "create, nothing",
            "create, no body",
            "create, from missing",
            "create, from installed",
            "create, stream false",
            "create, invalid name",
            "copy",
            "copy, missing source",
            "copy, no body",
            "copy, empty names",
            "blob, HEAD, missing",
            "blob, HEAD, bad digest",
            "blob, wrong digest",
        )
    },
    ("models", "me"): _ACCOUNT,
    ("models", "model recommendations"): _ACCOUNT,
}

WHOLE_FILES = {
    "openai": "no part of the product calls /v1 of the model server",
    "clients": "about clients, not servers",
}
