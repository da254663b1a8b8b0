import { webgpuBackend } from "asl-webgpu";
import { measured } from "./measured.mjs";

export default measured(webgpuBackend());
