"""What to do about an Ollama that cannot be reached, by its address and by where the worker runs."""

import ipaddress
import re
import sys
from urllib.parse import urlsplit

IMAGE = "/venv"
"""Where the worker's image has its Python. Other containers count as any machine."""

OF_CONTAINERS = ("ollama", "host.docker.internal")
"""Names that only containers know."""

UNKNOWN_NAME = re.compile(r"name|resol|nodename|getaddrinfo|no address associated", re.IGNORECASE)
NO_TLS = re.compile(r"wrong.version.number|record layer|http request", re.IGNORECASE)
LISTENS = "an Ollama listens on 127.0.0.1 alone unless it is started with OLLAMA_HOST=0.0.0.0"


def advised(url: str, words: str) -> str:
    """Say why the Ollama at `url` cannot be reached, in the system's `words`, and what to do unless they say it."""
    if "OLLAMA_" in words:
        return words
    return f"{words}; {remedy(url, words, contained=sys.prefix == IMAGE)}"


def remedy(url: str, words: str, *, contained: bool) -> str:  # noqa: PLR0911 (a table)
    """Say in one clause what to do; `words` are the system's, as in "Connection refused"."""
    host = urlsplit(url).hostname or ""
    refused, unknown = "refused" in words.lower(), bool(UNKNOWN_NAME.search(words))
    match contained, host:
        case _ if NO_TLS.search(words):
            return "it speaks no TLS: write http:// in OLLAMA_URLS"
        case True, _ if is_own(host):
            return (
                f"inside a container {host} is the container itself: the Ollama of the host is "
                f"OLLAMA_URLS=http://host.docker.internal:11434 with --profile external"
            )
        case True, "ollama":
            return (
                "the stack's own Ollama is not up yet, or has ended (docker compose ps -a); "
                "with --profile external, OLLAMA_URLS has to name yours"
            )
        case False, _ if host in OF_CONTAINERS and unknown:
            return "only containers know that name: without Docker leave OLLAMA_URLS out, or write 127.0.0.1"
        case False, _ if is_own(host) and refused:
            return "no Ollama listens there: start it with 'ollama serve', or name another with OLLAMA_URLS"
        case _ if refused:
            return f"nothing listens there: {LISTENS}"
        case _ if unknown:
            return "nobody knows that name: correct it in OLLAMA_URLS"
        case _:
            return "correct the address in OLLAMA_URLS, or open the firewall between"


def is_own(host: str) -> bool:
    """Whether a host is the machine, or the container, itself, by whatever name."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return address.is_loopback or address.is_unspecified
