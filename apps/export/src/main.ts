#!/usr/bin/env node
import { runCommand } from "asl-cli";
import { exportCommand, exportModel } from "./command.js";

await runCommand(exportCommand(), exportModel);
