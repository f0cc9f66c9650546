// Times face-api.js's age and gender network under its wasm backend, on aligned faces, without detection.
//
//   node face_api.cjs FOLDER BATCH REPEATS   (FOLDER/node_modules holds @vladmandic/face-api and tfjs)

const path = require("node:path");
const { createRequire } = require("node:module");

const [folder, batch, repeats] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const there = createRequire(path.resolve(folder, "package.json"));

async function main() {
  const tf = there("@tensorflow/tfjs");
  const wasm = there("@tensorflow/tfjs-backend-wasm");
  const root = path.dirname(there.resolve("@tensorflow/tfjs-backend-wasm/package.json"));
  wasm.setWasmPaths(path.join(root, "dist", path.sep));
  await tf.setBackend("wasm");
  await tf.ready();
  const faceapi = there("@vladmandic/face-api/dist/face-api.node-wasm.js");
  const models = path.join(path.dirname(there.resolve("@vladmandic/face-api/package.json")), "model");
  await faceapi.nets.ageGenderNet.loadFromDisk(models);
  const faces = faceapi.tf.randomUniform([batch, 112, 112, 3], 0, 255);
  const taken = [];
  for (let round = -10; round < repeats; round++) {
    const started = performance.now();
    const input = new faceapi.NetInput(faceapi.tf.unstack(faces));
    const { age, gender } = faceapi.nets.ageGenderNet.forwardInput(input);
    await Promise.all([age.data(), gender.data()]);
    age.dispose();
    gender.dispose();
    if (round >= 0) taken.push(performance.now() - started);
  }
  console.log(JSON.stringify({ taken, memory: process.memoryUsage().rss / 2 ** 20 }));
}

main();
