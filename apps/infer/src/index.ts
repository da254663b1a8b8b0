export type { Classifier, ClassifierOptions } from "./classifier.js";
export { type InferOptions, infer, inferCommand } from "./command.js";
export { openClassifier } from "./open-classifier.js";
export { type ScoredPicture, scorePictures } from "./tag-pictures.js";
export { selectTags, type Tag, type TagSelection } from "./tags.js";
