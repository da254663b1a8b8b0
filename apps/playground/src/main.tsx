import { render } from "preact";
import "./style.css";
import { readSite } from "./state/site.js";
import { App } from "./view/app.js";

void readSite();
render(<App />, document.getElementById("app")!);
