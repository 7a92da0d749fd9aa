"""Whom to trust where Ollama is reached over TLS."""

import ssl
from functools import cached_property
from pathlib import Path

import certifi
import requests

from worker.ollama.call_end import CallEnd, EndKind, OllamaFailed


class Trust:
    """The authorities that are believed when they vouch for a server's name."""

    def __init__(self, ca_file: str = "") -> None:
        """Trust those in `ca_file`, or else those that the environment names, or else the system's."""
        self._ca_file = ca_file

    @cached_property
    def context(self) -> ssl.SSLContext:
        """What a TLS connection is made with. Raises OllamaFailed: the file that was named holds no certificate."""
        named = self._ca_file or _named()
        try:
            if named is None:
                context = ssl.create_default_context()  # OpenSSL knows where they are, and knows SSL_CERT_FILE
            elif Path(named).is_dir():
                context = ssl.create_default_context(capath=named)
            else:
                context = ssl.create_default_context(cafile=named)
        except OSError as error:
            words = f"{named} holds no certificates that could be trusted ({error.strerror or error})"
            raise OllamaFailed(CallEnd(kind=EndKind.NOT_CONNECTED, words=words)) from error
        # Private authorities seldom keep to the letter of the standard, and other programs accept them.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        return context


def _named() -> str | None:
    """Give the file or folder that REQUESTS_CA_BUNDLE names, or one of public authorities where the system has none."""
    bundle = requests.Session().merge_environment_settings("https://ollama", {}, None, None, None)["verify"]
    if isinstance(bundle, str):
        return str(bundle)
    system = ssl.get_default_verify_paths()
    if system.cafile or (system.capath and any(Path(system.capath).iterdir())):
        return None
    return certifi.where()
