import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { readSafetensors } from "asl-checkpoint";
import { InputError, type Tensors } from "asl-core";
import { fixturesFolder } from "../load.js";
import type { NetworkFileJson, NetworkFixture } from "./network-fixture.js";

/** Every network of fixtures/models: whole forward passes and training runs. */
export function loadNetworks(folder = fixturesFolder()): readonly NetworkFixture[] {
  const models = path.join(folder, "models");
  return readdirSync(models)
    .sort()
    .flatMap((name) => {
      const own = path.join(models, name);
      const file = path.join(own, "cases.json");
      if (!existsSync(file)) return [];
      const json = JSON.parse(readFileSync(file, "utf8")) as NetworkFileJson;
      if (json.format !== "asl-network-fixtures" || json.version !== 1) {
        throw new InputError(
          `${file}: expected asl-network-fixtures of version 1; found ${json.format} ${json.version}`,
        );
      }
      return json.cases.map((each) => ({ ...each, readTensors: (tensors) => tensorsOf(path.join(own, tensors)) }));
    });
}

const tensorsOf = async (file: string): Promise<Tensors> => (await readSafetensors(file)).tensors;
