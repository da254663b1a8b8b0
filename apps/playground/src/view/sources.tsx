import { useEffect, useRef, useState } from "preact/hooks";
import { messageOf } from "../state/announce.js";
import { about } from "../state/model.js";
import { addPictures, busy } from "../state/pictures.js";
import { LiveScores } from "./live-scores.js";

/** A picture by its address. It is fetched when the visitor asks for it: the page's only request elsewhere. */
export function UrlForm() {
  const [url, setUrl] = useState("");
  const [error, setError] = useState<string | null>(null);
  const [isFetching, setFetching] = useState(false);
  const submit = async () => {
    setError(null);
    setFetching(true);
    try {
      addPictures([{ name: nameOf(url), blob: await fetchPicture(url) }]);
      setUrl("");
    } catch (thrown) {
      setError(messageOf(thrown));
    } finally {
      setFetching(false);
    }
  };
  return (
    <form
      class="row"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <label class="field">
        <span>Address of a picture</span>
        <input
          type="url"
          required
          placeholder="https://"
          value={url}
          onInput={(event) => setUrl(event.currentTarget.value)}
        />
      </label>
      <button type="submit" disabled={isFetching}>
        {isFetching ? "Fetching …" : "Add"}
      </button>
      {error !== null && (
        <p class="error wide" role="alert">
          {error}
        </p>
      )}
    </form>
  );
}

const nameOf = (url: string) => new URL(url).pathname.split("/").at(-1) || "picture";

async function fetchPicture(url: string): Promise<Blob> {
  let response: Response;
  try {
    response = await fetch(url, { mode: "cors", credentials: "omit", referrerPolicy: "no-referrer" });
  } catch {
    throw new Error(
      `${url} could not be fetched: the address is wrong, or its server does not let other pages read it (CORS). Save the picture and choose the file instead.`,
    );
  }
  if (!response.ok) throw new Error(`${url} answered ${response.status} ${response.statusText}`);
  return response.blob();
}

/** The webcam: live scores of its frames, and a button that keeps one. */
export function Camera() {
  const [stream, setStream] = useState<MediaStream | null>(null);
  const [error, setError] = useState<string | null>(null);
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    if (video.current !== null) video.current.srcObject = stream;
    return () => {
      for (const track of stream?.getTracks() ?? []) track.stop();
    };
  }, [stream]);
  const start = async () => {
    setError(null);
    try {
      if (navigator.mediaDevices === undefined) throw new Error("browsers offer the camera on https pages only");
      setStream(await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } }));
    } catch (thrown) {
      setError(`The camera cannot be used: ${messageOf(thrown)}`);
    }
  };
  const keep = async () => {
    const frame = await grab(video.current!);
    addPictures([{ name: `camera ${new Date().toLocaleTimeString()}`, blob: frame }]);
  };
  return (
    <div>
      {stream === null ? (
        <button type="button" onClick={() => void start()}>
          Use the camera
        </button>
      ) : (
        <div class="camera">
          <video ref={video} autoPlay playsInline muted aria-label="Camera" />
          <div>
            <div class="row">
              <button type="button" class="primary" onClick={() => void keep()}>
                Keep this picture
              </button>
              <button type="button" onClick={() => setStream(null)}>
                Stop the camera
              </button>
            </div>
            {about.value !== null && !busy.value && <LiveScores video={video} />}
          </div>
        </div>
      )}
      {error !== null && (
        <p class="error" role="alert">
          {error}
        </p>
      )}
    </div>
  );
}

async function grab(video: HTMLVideoElement): Promise<Blob> {
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d")!.drawImage(video, 0, 0);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob === null ? reject(new Error("the camera gave no picture")) : resolve(blob)));
  });
}
