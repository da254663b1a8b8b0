#!/usr/bin/env node
import { runCommand } from "asl-cli";
import { validateCommand } from "./command.js";
import { validate } from "./validate.js";

await runCommand(validateCommand(), validate);
