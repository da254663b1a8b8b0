#!/usr/bin/env node
import { runCommand } from "asl-cli";
import { trainCommand } from "./command.js";
import { runTraining } from "./run-training.js";

await runCommand(trainCommand(), runTraining);
