export { type ValidateOptions, validateCommand } from "./command.js";
export { validate } from "./validate.js";
