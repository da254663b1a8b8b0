import { computed, signal } from "@preact/signals";
import type { PictureId, TaggedPicture } from "../worker/protocol.js";
import { announce, messageOf } from "./announce.js";
import { about, modelWorker } from "./model.js";

export type PictureStatus =
  | { readonly kind: "waiting" }
  | { readonly kind: "running" }
  | { readonly kind: "tagged"; readonly tagged: TaggedPicture }
  | { readonly kind: "failed"; readonly message: string };

export interface PictureItem {
  readonly id: PictureId;
  readonly name: string;
  readonly blob: Blob;
  /** Object URL of the blob, for <img>. */
  readonly url: string;
  readonly status: PictureStatus;
}

/** The newest first. */
export const pictures = signal<readonly PictureItem[]>([]);
export const busy = computed(() =>
  pictures.value.some(({ status }) => status.kind !== "tagged" && status.kind !== "failed"),
);

let lastId = 0;

export function addPictures(files: readonly { readonly name: string; readonly blob: Blob }[]): void {
  const added = files.map(({ name, blob }): PictureItem => {
    lastId += 1;
    return { id: lastId, name, blob, url: URL.createObjectURL(blob), status: { kind: "waiting" } };
  });
  pictures.value = [...added, ...pictures.value];
  void tagWaiting();
}

export function removePicture(id: PictureId): void {
  const item = pictures.value.find((each) => each.id === id);
  if (item !== undefined) URL.revokeObjectURL(item.url);
  pictures.value = pictures.value.filter((each) => each.id !== id);
  if (about.value !== null) void modelWorker().forget(id);
}

export function removeAll(): void {
  for (const { id } of pictures.value) removePicture(id);
}

/** Pictures that wait are not tagged any more. */
export function cancelTagging(): void {
  for (const { id, status } of pictures.value) {
    if (status.kind === "waiting") update(id, { kind: "failed", message: "cancelled" });
  }
}

/** All pictures again, for another model or backend. */
export function retagAll(): void {
  pictures.value = pictures.value.map((item) => ({ ...item, status: { kind: "waiting" } }));
  void tagWaiting();
}

/** New scores for pictures that are tagged, under a changed head. */
export function rescore(scores: readonly (readonly [PictureId, readonly number[]])[]): void {
  for (const [id, row] of scores) {
    const status = pictures.value.find((each) => each.id === id)?.status;
    if (status?.kind === "tagged") update(id, { kind: "tagged", tagged: { ...status.tagged, scores: row } });
  }
}

const update = (id: PictureId, status: PictureStatus) => {
  pictures.value = pictures.value.map((item) => (item.id === id ? { ...item, status } : item));
};

let isTagging = false;

async function tagWaiting(): Promise<void> {
  if (isTagging || about.value === null) return;
  isTagging = true;
  let count = 0;
  try {
    for (;;) {
      // the oldest first
      const next = pictures.value.findLast(({ status }) => status.kind === "waiting");
      if (next === undefined) break;
      update(next.id, { kind: "running" });
      try {
        update(next.id, { kind: "tagged", tagged: await modelWorker().tag(next.id, next.blob) });
        count += 1;
      } catch (error) {
        update(next.id, { kind: "failed", message: messageOf(error) });
      }
    }
  } finally {
    isTagging = false;
  }
  if (count > 0) announce(count === 1 ? "1 picture is tagged" : `${count} pictures are tagged`);
}
