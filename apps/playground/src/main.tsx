import { render } from "preact";
import "./style/page.css";
import "./style/controls.css";
import "./style/pictures.css";
import "./style/fields.css";
import "./style/lesson.css";
import "./style/motion.css";
import { readSite } from "./state/site.js";
import { App } from "./view/app.js";

void readSite();
render(<App />, document.getElementById("app")!);
