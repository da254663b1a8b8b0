import { about } from "../state/model.js";
import { addPictures, busy, cancelTagging, pictures, removeAll } from "../state/pictures.js";
import { chosenThreshold, sliderThreshold } from "../state/threshold.js";
import { FileDrop } from "./file-drop.js";
import { PictureCard } from "./picture-card.js";
import { Camera, UrlForm } from "./sources.js";

export function TagSection() {
  const hasModel = about.value !== null;
  return (
    <section id="tag" class="panel" aria-labelledby="tag-title" tabIndex={-1}>
      <h2 id="tag-title">Tag pictures</h2>
      {!hasModel && <p>Pictures that you add wait until a model is loaded.</p>}
      <div class="row">
        <FileDrop
          label="Choose pictures"
          hint="or drop them here: JPEG, PNG, WebP, GIF"
          accept="image/*"
          multiple
          onFiles={(files) => addPictures(files.map((blob) => ({ name: blob.name, blob })))}
        />
        <Camera />
      </div>
      <UrlForm />
      {hasModel && <ThresholdSlider />}
      {pictures.value.length > 0 && (
        <>
          <div class="row">
            {busy.value && hasModel && (
              <button type="button" onClick={cancelTagging}>
                Cancel
              </button>
            )}
            <button type="button" onClick={removeAll}>
              Remove all
            </button>
          </div>
          <ul class="pictures">
            {pictures.value.map((item) => (
              <PictureCard key={item.id} item={item} />
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

function ThresholdSlider() {
  const ofModel = about.value!.thresholds;
  const value = sliderThreshold.value;
  return (
    <div class="slider">
      <label for="threshold">
        Threshold <output for="threshold">{value.toFixed(2)}</output>
      </label>
      <input
        id="threshold"
        type="range"
        min="0"
        max="1"
        step="0.01"
        value={value}
        onInput={(event) => {
          chosenThreshold.value = Number(event.currentTarget.value);
        }}
      />
      <button
        type="button"
        disabled={chosenThreshold.value === null}
        onClick={() => {
          chosenThreshold.value = null;
        }}
      >
        {typeof ofModel === "number" ? `The model's: ${ofModel.toFixed(2)}` : "The model's, one per label"}
      </button>
    </div>
  );
}
