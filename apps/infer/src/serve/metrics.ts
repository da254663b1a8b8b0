import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Admission } from "./admission.js";

/** What Prometheus reads of a server. */
export class ServerMetrics {
  readonly #registry = new Registry();
  readonly #requests: Counter<"status">;
  readonly #seconds: Histogram;
  readonly #pictures: Histogram;

  constructor(admission: Admission, maxBatch: number) {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    this.#requests = new Counter({
      ...{ name: "asl_requests_total", help: "Requests to tag a picture, by HTTP status", labelNames: ["status"] },
      registers,
    });
    this.#seconds = new Histogram({
      ...{ name: "asl_request_seconds", help: "From a request's headers to the end of its answer, of accepted ones" },
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    });
    this.#pictures = new Histogram({
      ...{ name: "asl_batch_pictures", help: "Pictures of a batch" },
      buckets: Array.from({ length: Math.ceil(Math.log2(maxBatch)) + 1 }, (_, power) => 2 ** power),
      registers,
    });
    new Gauge({
      ...{ name: "asl_accepted_requests", help: "Requests under way" },
      registers,
      collect() {
        this.set(admission.accepted);
      },
    });
    new Gauge({ name: "asl_accepted_requests_limit", help: "Most requests under way", registers }).set(admission.limit);
  }

  countRequest(status: number): void {
    this.#requests.inc({ status });
  }

  observeSeconds(seconds: number): void {
    this.#seconds.observe(seconds);
  }

  observeBatch(pictures: number): void {
    this.#pictures.observe(pictures);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }
}
