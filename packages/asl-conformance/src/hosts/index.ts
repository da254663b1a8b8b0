export type { GuestModule } from "./bundle.js";
export { findChromium } from "./chromium.js";
export { findDeno, hasLavapipe } from "./deno.js";
export { Hosts } from "./hosts.js";
