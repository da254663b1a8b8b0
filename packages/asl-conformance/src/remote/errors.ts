import { AslError, GraphError, InputError, NonFiniteError, ShapeError } from "asl-core";

/** An error as JSON. Numbers that JSON cannot write are texts. */
export interface ErrorJson {
  readonly name: string;
  readonly message: string;
  /** Of the AslError family. */
  readonly code?: string;
  /** The properties of its class. */
  readonly details?: Readonly<Record<string, unknown>>;
}

export function errorToJson(error: unknown): ErrorJson {
  if (!(error instanceof Error)) return { name: "Error", message: String(error) };
  const { name, message } = error;
  if (!(error instanceof AslError)) return { name, message: name === "Error" ? message : `${name}: ${message}` };
  return { name, message, code: error.code, details: detailsOf(error) };
}

function detailsOf(error: AslError): Readonly<Record<string, unknown>> {
  if (error instanceof ShapeError) return { op: error.op, scope: error.scope };
  if (error instanceof NonFiniteError) {
    return { tensor: error.tensor, index: error.index, value: String(error.value) };
  }
  return {};
}

/** An error of the same class with the same code, message and properties; one of no known class becomes an Error. */
export function errorFromJson({ name, message, code, details = {} }: ErrorJson): Error {
  if (code === undefined) return new Error(message);
  const revive = Object.hasOwn(REVIVE, name) ? REVIVE[name]! : () => new AslError(code, message);
  // Their constructors compose the message, which is there already.
  return Object.assign(revive(details), { message, code });
}

type Details = NonNullable<ErrorJson["details"]>;

const REVIVE: Readonly<Record<string, (details: Details) => AslError>> = {
  ShapeError: ({ op, scope }) => new ShapeError(String(op), "", String(scope)),
  GraphError: () => new GraphError(""),
  InputError: () => new InputError(""),
  NonFiniteError: ({ tensor, index, value }) =>
    new NonFiniteError(String(tensor), index as readonly number[], Number(value), []),
};
