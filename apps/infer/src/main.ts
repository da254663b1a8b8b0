#!/usr/bin/env node
import { runCommand } from "asl-cli";
import { infer, inferCommand } from "./command.js";

await runCommand(inferCommand(), infer);
