// Times a photo's way from its file to ages and genders, with face-api.js or human under their wasm backends.
//
//   node peers.cjs FOLDER face-api|human REPEATS PHOTO...   (FOLDER/node_modules holds the packages and sharp)
//
// Prints JSON: by photo the faces found and the milliseconds of each repeat, and the process's memory in MiB.
// Pictures are decoded by sharp; of either package only what finds faces and answers age and gender is on.

const fs = require("node:fs");
const http = require("node:http");
const path = require("node:path");
const { createRequire } = require("node:module");

const [folder, peer, repeats, ...photos] = process.argv.slice(2);
const there = createRequire(path.resolve(folder, "package.json"));
const sharp = there("sharp");

const home = (name) => path.resolve(folder, "node_modules", name);
const wasmPath = path.join(home("@tensorflow/tfjs-backend-wasm"), "dist", path.sep);

async function tensorOf(tf, photo) {
  const picture = sharp(photo).rotate().toColourspace("srgb").removeAlpha().raw();
  const { data, info } = await picture.toBuffer({ resolveWithObject: true });
  return tf.tensor3d(data, [info.height, info.width, info.channels], "int32");
}

async function faceApi() {
  const tf = there("@tensorflow/tfjs");
  there("@tensorflow/tfjs-backend-wasm").setWasmPaths(wasmPath);
  await tf.setBackend("wasm");
  await tf.ready();
  const api = there("@vladmandic/face-api/dist/face-api.node-wasm.js");
  const models = path.join(home("@vladmandic/face-api"), "model");
  await api.nets.ssdMobilenetv1.loadFromDisk(models);
  await api.nets.ageGenderNet.loadFromDisk(models);
  return async (photo) => {
    const picture = await tensorOf(api.tf, photo);
    const finding = new api.SsdMobilenetv1Options({ maxResults: 100 });
    const faces = await api.detectAllFaces(picture, finding).withAgeAndGender();
    api.tf.dispose(picture);
    return faces.length;
  };
}

async function human() {
  const models = path.join(home("@vladmandic/human"), "models"); // it reads them by HTTP alone
  const server = http.createServer((request, response) => {
    fs.createReadStream(path.join(models, path.basename(request.url))).pipe(response);
  });
  await new Promise((begun) => server.listen(0, "127.0.0.1", begun));
  const { Human } = require(path.join(home("@vladmandic/human"), "dist/human.node-wasm.js"));
  const off = { enabled: false };
  const one = new Human({
    backend: "wasm",
    wasmPath,
    modelBasePath: `http://127.0.0.1:${server.address().port}/`,
    cacheSensitivity: 0, // every photo is a new one
    filter: off, body: off, hand: off, object: off, gesture: off, segmentation: off,
    face: { detector: { maxDetected: 100 }, iris: off, emotion: off, antispoof: off, liveness: off },
  });
  await one.load();
  server.close();
  server.closeAllConnections();
  return async (photo) => {
    const picture = await tensorOf(one.tf, photo);
    const { face } = await one.detect(picture);
    one.tf.dispose(picture);
    return face.filter((found) => found.age !== undefined).length;
  };
}

async function main() {
  const answer = await { "face-api": faceApi, human }[peer]();
  const found = {};
  for (const photo of photos) {
    const taken = [];
    let faces = 0;
    for (let round = -1; round < Number(repeats); round++) {
      const started = performance.now();
      faces = await answer(photo);
      if (round >= 0) taken.push(performance.now() - started);
    }
    found[photo] = { faces, taken };
  }
  console.log(JSON.stringify({ found, memory: process.resourceUsage().maxRSS / 1024 }));
}

main();
