export { type App, type ChildCommand, ChildCommandError, type ChildOptions, runChild, typed } from "./child-command.js";
export { type DemoOptions, runDemo } from "./pipeline.js";
export { type DemoRecipe, QUICK_RECIPE, RECIPE } from "./recipe.js";
export type { DemoSummary } from "./summary.js";
