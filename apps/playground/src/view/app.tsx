import { announcement } from "../state/announce.js";
import { modelNumber } from "../state/model.js";
import { CheckSection } from "./check-section.js";
import { ModelSection } from "./model-section.js";
import { TagSection } from "./tag-section.js";
import { TeachSection } from "./teach-section.js";

export function App() {
  return (
    <>
      <a class="skip" href="#tag">
        Skip to the pictures
      </a>
      <header class="masthead">
        <h1>ASL playground</h1>
        <p>
          A multi-label picture classifier that runs in this page. Your pictures and models stay on your device: nothing
          is sent anywhere.
        </p>
      </header>
      <main>
        <ModelSection />
        <TagSection />
        <TeachSection key={modelNumber.value} />
        <CheckSection />
      </main>
      <p class="visually-hidden" role="status" aria-live="polite">
        {announcement.value}
      </p>
    </>
  );
}
