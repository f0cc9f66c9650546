// The page: a photo or the camera in, faces and their answers out.

import { draw, Photo } from "./picture";
import { type Face, Reader } from "./reader";

/** Pixels of the longer side at most. A larger photo is shown reduced. */
const SHOWN_SIDE = 2048;

/** Pixels. A camera's frames are searched on a smaller copy, to keep up with them. */
const CAMERA_SIDE = 320;

const element = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const canvas = element<HTMLCanvasElement>("canvas");
const video = element<HTMLVideoElement>("video");
const status = element("status");

interface Size {
  width: number;
  height: number;
}

declare global {
  interface Window {
    agelens: { read(blob: Blob): Promise<Face[]>; readChip(blob: Blob): Promise<Face> };
  }
}

async function start(): Promise<void> {
  const reader = await Reader.load("models/");
  element("licence").textContent = `Weights: ${reader.bundle.licence}.`;
  window.agelens = {
    read: (blob) => withPhoto(blob, (photo) => reader.read(photo)),
    readChip: (blob) => withPhoto(blob, (photo) => reader.readChip(photo.pixels(SHOWN_SIDE))),
  };
  status.textContent = "Ready.";

  const readPhoto = async (file: File | undefined) => {
    if (!file) return;
    stopCamera();
    status.textContent = "Reading…";
    try {
      await withPhoto(file, async (photo) => {
        const started = performance.now();
        const faces = await reader.read(photo);
        show(await createImageBitmap(file, { imageOrientation: "from-image" }), photo, faces);
        status.textContent = `${count(faces.length)} in ${(performance.now() - started).toFixed(0)} ms.`;
      });
    } catch (error) {
      console.error(error);
      status.textContent = `${file.name} cannot be read as an image.`;
    }
  };
  const input = element<HTMLInputElement>("file");
  input.addEventListener("change", () => void readPhoto(input.files?.[0]));
  const drop = element("drop");
  drop.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    void readPhoto(event.dataTransfer?.files[0]);
  });
  element("camera").addEventListener("click", () => void startCamera(reader));
  element("stop").addEventListener("click", stopCamera);
}

/** Opens a photo, does something with it, and closes it. */
async function withPhoto<Answer>(blob: Blob, use: (photo: Photo) => Promise<Answer>): Promise<Answer> {
  const photo = await Photo.open(blob);
  try {
    return await use(photo);
  } finally {
    photo.close();
  }
}

async function startCamera(reader: Reader): Promise<void> {
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user" } });
  } catch {
    status.textContent = "The camera cannot be used; perhaps the page may not.";
    return;
  }
  await video.play();
  element("stop").hidden = false;
  let shown = performance.now();
  while (video.srcObject) {
    const picture = draw(video, video.videoWidth, video.videoHeight);
    const faces = await reader.readPicture(picture, { side: CAMERA_SIDE });
    if (!video.srcObject) break;
    show(video, picture, faces);
    const now = performance.now();
    status.textContent = `${count(faces.length)}; ${(1000 / (now - shown)).toFixed(0)} frames a second.`;
    shown = now;
    await new Promise(requestAnimationFrame);
  }
}

function stopCamera(): void {
  (video.srcObject as MediaStream | null)?.getTracks().forEach((track) => track.stop());
  video.srcObject = null;
  element("stop").hidden = true;
}

/** Draws a picture of this size and the boxes of its faces, and lists what they are. */
function show(source: CanvasImageSource, { width: across, height: down }: Size, faces: Face[]): void {
  const longer = Math.max(across, down);
  const scale = Math.min(1, SHOWN_SIDE / longer);
  canvas.hidden = false;
  canvas.width = Math.round(across * scale);
  canvas.height = Math.round(down * scale);
  const context = canvas.getContext("2d")!;
  context.scale(scale, scale);
  context.drawImage(source, 0, 0, across, down);
  const unit = longer / 100;
  context.lineWidth = unit * 0.4;
  context.font = `600 ${unit * 2.4}px system-ui, sans-serif`;
  for (const face of faces) {
    const [x0, y0, x1, y1] = face.box;
    const text = `${face.age.toFixed(0)} ${face.gender}`;
    const width = context.measureText(text).width + unit * 1.2;
    const top = Math.max(unit * 3.2, y0);
    context.strokeStyle = context.fillStyle = face.gender === "female" ? "#e69f00" : "#0072b2";
    context.strokeRect(x0, y0, x1 - x0, y1 - y0);
    context.fillRect(x0 - unit * 0.2, top - unit * 3.2, width, unit * 3.2);
    context.fillStyle = face.gender === "female" ? "#1d2733" : "#ffffff";
    context.fillText(text, x0 + unit * 0.4, top - unit * 0.9);
  }
  element("faces").replaceChildren(...faces.map(card));
}

/** A face's answer with its whole distribution. */
function card(face: Face): HTMLElement {
  const highest = Math.max(...face.probabilities);
  const bars = Array.from(face.probabilities, (mass, age) => {
    const height = (100 * mass) / highest;
    const inside = age >= face.interval[0] - 0.5 && age <= face.interval[1] + 0.5;
    const colour = inside ? "#0072b2" : "#b9c4cf";
    return `<rect x="${age}" y="${100 - height}" width="0.8" height="${height}" fill="${colour}"/>`;
  });
  const [low, high] = face.interval.map((years) => years.toFixed(0));
  const article = document.createElement("article");
  article.className = "face";
  article.innerHTML =
    `<div class="age">${face.age.toFixed(1)} <small>years, 90 % between ${low} and ${high}</small></div>` +
    `<div>${face.gender}, ${(100 * face.genderProbability).toFixed(0)} % sure</div>` +
    `<svg viewBox="0 0 101 100" preserveAspectRatio="none" role="img" ` +
    `aria-label="how probable each age is">${bars.join("")}</svg>` +
    `<div class="axis"><span>0</span><span>25</span><span>50</span><span>75</span><span>100</span></div>`;
  return article;
}

function count(faces: number): string {
  return faces === 0 ? "No face found" : faces === 1 ? "One face" : `${faces} faces`;
}

start().catch((error: unknown) => {
  console.error(error);
  status.textContent = "The models cannot be loaded.";
});
