// Puts the bundle, the detector and a photo to try beside the page.
//
//   AGELENS_BUNDLE  a bundle's folder; the one inside the package unless given
//   AGELENS_YUNET   YuNet's file; the one in AgeLens' cache unless given ('agelens predict' fetches it)
//   AGELENS_EXAMPLE the photo to try; NASA's beside this folder unless given

import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const web = join(here, "..");
const bundle = process.env.AGELENS_BUNDLE ?? join(web, "..", "src", "agelens", "assets", "embedded");
const cache = process.env.AGELENS_CACHE ?? join(homedir(), ".cache", "agelens");
const yunet = process.env.AGELENS_YUNET ?? join(cache, "face_detection_yunet_2026may.onnx");
const example = process.env.AGELENS_EXAMPLE ?? join(web, "..", "examples", "astronaut.jpg");

const wanted = [
  [join(bundle, "model.onnx"), "models/model.onnx"],
  [join(bundle, "bundle.json"), "models/bundle.json"],
  [yunet, "models/yunet.onnx"],
  [example, "examples/astronaut.jpg"],
];
for (const [source, target] of wanted) {
  if (!existsSync(source)) {
    console.error(`${source} is missing; AGELENS_BUNDLE, AGELENS_YUNET and AGELENS_EXAMPLE say where these files lie`);
    process.exit(1);
  }
  const path = join(web, "public", target);
  mkdirSync(dirname(path), { recursive: true });
  copyFileSync(source, path);
}
