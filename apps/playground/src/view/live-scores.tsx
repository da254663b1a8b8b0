import { transfer } from "comlink";
import type { RefObject } from "preact";
import { useEffect, useState } from "preact/hooks";
import { messageOf } from "../state/announce.js";
import { modelWorker } from "../state/model.js";
import type { TaggedPicture } from "../worker/protocol.js";
import { Scores } from "./scores.js";

/** No picture has this id: its features are only those of the last frame. */
const LIVE_ID = 0;
/** Milliseconds between two frames, so that the device stays cool. */
const PAUSE = 250;

/** Scores of the camera's picture, again and again. */
export function LiveScores({ video }: { readonly video: RefObject<HTMLVideoElement | null> }) {
  const [tagged, setTagged] = useState<TaggedPicture | null>(null);
  const [error, setError] = useState<string | null>(null);
  useEffect(() => {
    let isOn = true;
    const loop = async () => {
      while (isOn) {
        const element = video.current;
        if (element !== null && element.videoWidth > 0) {
          const frame = await createImageBitmap(element);
          const result = await modelWorker().tag(LIVE_ID, transfer(frame, [frame]));
          if (isOn) setTagged(result);
        }
        await new Promise((resolve) => setTimeout(resolve, PAUSE));
      }
    };
    loop().catch((thrown: unknown) => {
      if (isOn) setError(messageOf(thrown));
    });
    return () => {
      isOn = false;
      void modelWorker().forget(LIVE_ID);
    };
  }, [video]);
  if (error !== null) return <p class="error">{error}</p>;
  return tagged === null ? <p class="hint">Waiting for the camera …</p> : <Scores tagged={tagged} />;
}
