"""The verbs that read of one prompt: where it stands, and its texts."""

from collections.abc import Collection, Mapping
from typing import Any

from promptqueue.errors import PromptNotFound
from promptqueue.notes import Text
from promptqueue.postgres.verbs import line, rows
from promptqueue.postgres.verbs.base import Verbs
from promptqueue.prompt import Progress, Prompt
from promptqueue.stored import stored_object, text_of_stored


class ReadingVerbs(Verbs):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""

    def get(self, prompt_id: str) -> Prompt:
        return rows.prompt(rows.find(self._database, prompt_id))

    def position(self, prompt_id: str) -> int | None:
        found = line.places(self._database, [prompt_id])
        return found[0]["position"] if found else None

    def progress_of(self, prompt_ids: Collection[str]) -> list[Progress]:
        return [
            Progress(
                prompt=rows.prompt(row),
                position=row["position"],
                text_attempt=row["text_attempt"] or 0,
                text_length=row["text_length"] or 0,
            )
            for row in line.places(self._database, prompt_ids)
        ]

    def moves(self) -> int:
        return line.moves(self._database)

    def request(self, prompt_id: str) -> Mapping[str, Any] | None:
        return self._stored("SELECT request AS stored FROM prompts WHERE id = %(id)s", prompt_id)

    def answer(self, prompt_id: str) -> Mapping[str, Any] | None:
        return self._stored(
            "SELECT answer AS stored FROM prompts LEFT JOIN ended USING (seq) WHERE id = %(id)s", prompt_id
        )

    def partial(self, prompt_id: str) -> str:
        text = self.text(prompt_id)
        return text.text if text else ""

    def text(self, prompt_id: str) -> Text | None:
        found = rows.is_id(prompt_id) and self._database.run(
            """
            SELECT attempt, text FROM partials
            WHERE seq = (SELECT seq FROM prompts WHERE id = %(id)s)
            ORDER BY attempt, at
            """,
            id=prompt_id,
        )
        if not found:
            return None
        # All of one attempt: its first text replaces what earlier ones left.
        return Text(prompt_id, found[0]["attempt"], 0, "".join(text_of_stored(row["text"]) for row in found))

    def _stored(self, statement: str, prompt_id: str) -> Mapping[str, Any] | None:
        found = rows.is_id(prompt_id) and self._database.run(statement, id=prompt_id)
        if not found:
            raise PromptNotFound
        return stored_object(found[0]["stored"])
