// ESLint looks for its rules beside the file or above it; they live with the packages that they need.
export { default } from "./lint/eslint.config.mjs";
