import { signal } from "@preact/signals";

/** What a screen reader is told: results and ends of long work. */
export const announcement = signal("");

export function announce(text: string): void {
  announcement.value = text;
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
