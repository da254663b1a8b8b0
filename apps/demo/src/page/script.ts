/**
 * The page's script: shows the scenes that fit the three choices. Without it all scenes are shown. It reads the data-*
 * attributes of the scenes only.
 */
export const SCRIPT = `
const form = document.querySelector(".filters");
const scenes = [...document.querySelectorAll(".scene")];
const count = form.querySelector("output");
function show() {
  const { split, outcome, tag } = Object.fromEntries(new FormData(form));
  let shown = 0;
  for (const scene of scenes) {
    const tags = JSON.parse(scene.dataset.tags);
    const ofTag = tag === "" ? tags : tags.filter(([name]) => name === tag);
    const fits = (split === "" || scene.dataset.split === split) && (tag === "" || ofTag.length > 0) &&
      (outcome === "" || (outcome === "mistake" ? ofTag.some(([, is]) => is !== "correct")
        : outcome === "perfect" ? ofTag.every(([, is]) => is === "correct") : ofTag.some(([, is]) => is === outcome)));
    scene.hidden = !fits;
    shown += fits ? 1 : 0;
  }
  count.value = shown + " of " + scenes.length + " pictures";
}
form.hidden = false;
form.addEventListener("input", show);
form.addEventListener("reset", () => setTimeout(show));
show();
`;
