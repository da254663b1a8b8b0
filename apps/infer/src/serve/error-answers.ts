import { type IncomingMessage, STATUS_CODES } from "node:http";
import { describeError } from "asl-cli";
import { PictureError, type PictureErrorReason } from "asl-data";
import type {
  ConnectionError,
  FastifyError,
  FastifyReply,
  FastifyRequest,
  FastifySchemaValidationError,
} from "fastify";
import { TAG_QUERY } from "./schemas.js";

/** Every answer that is an error has this body. */
export interface ErrorBody {
  readonly error: { readonly code: string; readonly message: string };
}

export const errorBody = (code: string, message: string): ErrorBody => ({ error: { code, message } });

/** What a client should hear of a picture that cannot be read. */
const PICTURE_STATUS: Readonly<Record<PictureErrorReason, number>> = {
  missing: 500,
  unreadable: 500,
  empty: 400,
  format: 415,
  damaged: 422,
  tooLarge: 413,
};

const ADVICE: Readonly<Record<string, string>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE:
    "send the content of a picture file as image/jpeg, image/png, image/webp or application/octet-stream",
  FST_ERR_CTP_EMPTY_TYPE: "say the type of the body: content-type: image/jpeg",
};

export interface ErrorAnswerOptions {
  readonly maxBytes: number;
  /** Told of what is not the client's fault. */
  readonly onError: (message: string) => void;
}

/** Answers what went wrong with a request that was understood, and what the framework did not understand. */
export const answerError =
  ({ onError, maxBytes }: ErrorAnswerOptions) =>
  (error: FastifyError | Error, _request: FastifyRequest, reply: FastifyReply): void => {
    const answer = (status: number, code: string, message: string) => {
      reply.code(status).send(errorBody(code, message));
    };
    if (error instanceof PictureError) {
      const reason = error.reason.replaceAll(/[A-Z]/g, "_$&").toUpperCase();
      answer(PICTURE_STATUS[error.reason], `PICTURE_${reason}`, error.message);
      return;
    }
    const { statusCode = 500, code = "ERROR" } = "statusCode" in error ? error : {};
    if (statusCode === 413) answer(413, "BODY_TOO_LARGE", `the body has more than ${maxBytes} bytes`);
    else if (statusCode < 500) answer(statusCode, code.replace("FST_ERR_", ""), ADVICE[code] ?? error.message);
    else {
      onError(describeError(error));
      answer(500, "INTERNAL", "the picture could not be tagged; the server's log says why");
    }
  };

/** What is wrong with a request's parameters: which one, and what is expected. */
export function queryError(errors: readonly FastifySchemaValidationError[], part: string): Error {
  const [error] = errors;
  const unknown = error?.params.additionalProperty;
  if (typeof unknown === "string") {
    return new Error(`unknown parameter "${unknown}"; there are ${Object.keys(TAG_QUERY.properties).join(", ")}`);
  }
  return new Error(`${error?.instancePath.slice(1) || part} ${error?.message ?? "is wrong"}`);
}

/** What Node's parser could not take: too slow, headers too large, or no HTTP at all. Then the connection ends. */
export const answerClientError =
  (requestTimeout: number) =>
  (error: ConnectionError, socket: IncomingMessage["socket"]): void => {
    // the client hung up
    if (error.code === "ECONNRESET" || socket.destroyed) return;
    const [status, code, message] = clientErrorOf(error.code, requestTimeout);
    const body = JSON.stringify(errorBody(code, message));
    if (socket.writable) {
      socket.write(
        `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\n` +
          `content-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      );
    }
    socket.destroy(error);
  };

function clientErrorOf(code: string, requestTimeout: number): readonly [number, string, string] {
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") {
    return [408, "REQUEST_TIMEOUT", `the request did not come in whole within ${requestTimeout / 1000} s`];
  }
  if (code === "HPE_HEADER_OVERFLOW") return [431, "HEADERS_TOO_LARGE", "the headers are too large"];
  return [400, "BAD_REQUEST", "this is not an HTTP request"];
}
