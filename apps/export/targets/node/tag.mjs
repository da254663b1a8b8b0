// node tag.mjs PICTURE...
import { openTagger } from "./tagger.mjs";

const pictures = process.argv.slice(2);
if (pictures.length === 0) {
  console.error("usage: node tag.mjs PICTURE...");
  process.exit(2);
}
const tagger = await openTagger();
for (const picture of pictures) {
  try {
    const { tags } = await tagger.tag(picture);
    console.log(JSON.stringify({ picture, tags }));
  } catch (error) {
    console.error(`${picture}: ${error.message}`);
    process.exitCode = 1;
  }
}
