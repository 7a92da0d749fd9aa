// The AI SDK with four providers.

import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, jsonSchema, Output, stepCountIs, streamText, tool } from "ai";
import { createOllama } from "ollama-ai-provider-v2";
import { DESCRIPTION, MODEL, PARAMETERS, SCHEMA, milliseconds, told } from "./asked.mjs";

const PROVIDERS = {
  "ai-compatible": (url) =>
    createOpenAICompatible({ name: "here", baseURL: `${url}/v1`, apiKey: "none", supportsStructuredOutputs: true }),
  "ai-openai": (url) => createOpenAI({ baseURL: `${url}/v1`, apiKey: "none" }),
  "ai-anthropic": (url) => createAnthropic({ baseURL: `${url}/v1`, apiKey: "none" }),
  "ai-ollama": (url) => createOllama({ baseURL: `${url}/api` }),
};

export async function ask(given, say, left) {
  const calls = [];
  const signals = [left.signal];
  if (given.timeout != null) signals.push(AbortSignal.timeout(milliseconds(given.timeout)));
  const asked = {
    model: PROVIDERS[given.client](given.url)(given.model ?? MODEL),
    prompt: given.text,
    abortSignal: AbortSignal.any(signals),
    ...(given.retries != null && { maxRetries: given.retries }),
  };
  if (given.tools) {
    const execute = (input) => {
      calls.push({ name: "add_numbers", arguments: input });
      return given.result ?? "nothing";
    };
    asked.tools = { add_numbers: tool({ description: DESCRIPTION, inputSchema: jsonSchema(PARAMETERS), execute }) };
    asked.stopWhen = stepCountIs(given.result === undefined ? 1 : 2);
  }
  if (given.schema) {
    asked.output = Output.object({ schema: jsonSchema(SCHEMA) });
    asked.providerOptions = { anthropic: { structuredOutputMode: "outputFormat" } }; // else it is a tool, which no model must call
  }
  if (!given.stream) {
    const answer = await generateText(asked);
    say(answer.text);
    return told(answer.text, calls, answer.finishReason, given.schema ? answer.output : null);
  }
  let failure;
  let text = "";
  const answer = streamText({ ...asked, onError: ({ error }) => { failure ??= error; } });
  for await (const piece of answer.textStream) { text += piece; say(piece); }
  if (failure) throw failure;
  return told(text, calls, await answer.finishReason);
}
