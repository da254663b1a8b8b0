/** JSON schemas of what goes in and out; they check requests and make the OpenAPI description. */

const LABELS = {
  type: "array",
  description: "Classes above their thresholds, the highest score first.",
  items: {
    type: "object",
    properties: { name: { type: "string" }, score: { type: "number" } },
    required: ["name", "score"],
  },
} as const;

export const TAG_QUERY = {
  type: "object",
  additionalProperties: false,
  properties: {
    threshold: { type: "number", minimum: 0, maximum: 1, description: "For every class; default: the model's." },
    top: { type: "integer", minimum: 1, description: "At most so many labels." },
    scores: { type: "boolean", default: false, description: "Also the scores of all classes." },
  },
} as const;

export interface TagQuery {
  readonly threshold?: number;
  readonly top?: number;
  readonly scores: boolean;
}

export const TAG_ANSWER = {
  type: "object",
  properties: {
    labels: LABELS,
    scores: { type: "object", additionalProperties: { type: "number" } },
  },
  required: ["labels"],
} as const;

export const ERROR_ANSWER = {
  type: "object",
  properties: {
    error: {
      type: "object",
      properties: { code: { type: "string" }, message: { type: "string" } },
      required: ["code", "message"],
    },
  },
  required: ["error"],
} as const;

export const MODEL_ANSWER = {
  type: "object",
  properties: {
    model: { type: "string", description: "The file's name." },
    classes: { type: "array", items: { type: "string" } },
    thresholds: { type: "array", items: { type: "number" }, description: "In class order." },
    imageSize: { type: "integer", description: "Pixels." },
    batchSize: { type: "integer", description: "Most pictures of a batch." },
  },
  required: ["model", "classes", "thresholds", "imageSize", "batchSize"],
} as const;

export const HEALTH_ANSWER = {
  type: "object",
  properties: { status: { type: "string", enum: ["live", "ready", "busy", "stopping"] } },
  required: ["status"],
} as const;
