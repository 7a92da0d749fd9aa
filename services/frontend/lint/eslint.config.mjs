// The rules of the page's one script. What could make markup or code out of a string is banned by name.
import js from "@eslint/js";
import html from "eslint-plugin-html";
import globals from "globals";

const MARKUP = ["innerHTML", "outerHTML", "srcdoc"];
const WRITERS = ["insertAdjacentHTML", "createContextualFragment", "parseFromString", "setHTMLUnsafe", "write", "writeln"];

export default [
	js.configs.recommended,
	{
		files: ["**/*.html"],
		plugins: { html },
		languageOptions: { ecmaVersion: 2024, sourceType: "script", globals: globals.browser },
		linterOptions: { reportUnusedDisableDirectives: "error" },
		rules: {
			"no-eval": "error",
			"no-implied-eval": "error",
			"no-new-func": "error",
			"no-script-url": "error",
			"no-restricted-globals": ["error", "Function", "eval"],
			"no-restricted-syntax": [
				"error",
				...MARKUP.map((name) => ({ selector: `MemberExpression[property.name="${name}"]`, message: "Text becomes nodes, never markup." })),
				...WRITERS.map((name) => ({ selector: `CallExpression[callee.property.name="${name}"]`, message: "Text becomes nodes, never markup." })),
				// But for the room that is kept for what is out of sight: how much, no style sheet knows.
				{ selector: 'MemberExpression[property.name="style"]:not([parent.property.name="containIntrinsicSize"])', message: "What is shown follows data-state and the style sheet." },
			],
			"eqeqeq": "error",
			"no-shadow": "error",
			"no-use-before-define": ["error", { functions: false, classes: true, variables: false }],
			"no-var": "error",
			"prefer-const": "error",
			"prefer-template": "off",
			"object-shorthand": "error",
			"no-unused-vars": "error",
			"no-empty": "error",
			"no-undef": "error",
			"no-implicit-globals": "off",
		},
	},
];
