#!/usr/bin/env node
import { runCommand } from "asl-cli";
import { demo, demoCommand } from "./command.js";

await runCommand(demoCommand(), demo);
