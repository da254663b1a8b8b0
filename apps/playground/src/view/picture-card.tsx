import { type PictureItem, removePicture } from "../state/pictures.js";
import { Scores } from "./scores.js";

export function PictureCard({ item }: { readonly item: PictureItem }) {
  const { name, url, status } = item;
  return (
    <li class="card">
      <img src={url} alt={name} />
      <div class="about">
        <div class="title">
          <h3>{name}</h3>
          <button type="button" class="plain" aria-label={`Remove ${name}`} onClick={() => removePicture(item.id)}>
            ×
          </button>
        </div>
        {status.kind === "waiting" && <p class="hint">Waiting</p>}
        {status.kind === "running" && <p class="hint">Tagging …</p>}
        {status.kind === "failed" && <p class="error">{status.message}</p>}
        {status.kind === "tagged" && <Scores tagged={status.tagged} />}
      </div>
    </li>
  );
}
