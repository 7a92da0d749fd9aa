// What the cases have in common, as in asked.py.

export const MODEL = "llama3.2";
export const DESCRIPTION = "Adds two numbers";
export const PARAMETERS = {
  type: "object",
  properties: { a: { type: "integer" }, b: { type: "integer" } },
  required: ["a", "b"],
};
export const TOOL = {
  type: "function",
  function: { name: "add_numbers", description: DESCRIPTION, parameters: PARAMETERS },
};
export const SCHEMA = {
  type: "object",
  properties: { city: { type: "string" }, people: { type: "integer" } },
  required: ["city", "people"],
  additionalProperties: false,
};

export function told(text = "", calls = [], finish = null, data = null) {
  return { text, calls, finish, data };
}

export function milliseconds(seconds) {
  return seconds == null ? undefined : seconds * 1000;
}
