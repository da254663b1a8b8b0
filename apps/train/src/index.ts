export { type TrainOptions, trainCommand } from "./command.js";
export { runTraining } from "./run-training.js";
