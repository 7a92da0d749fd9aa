"""OpenAI's responses: /v1/responses, with responses that go on in the background and go on from one another."""
