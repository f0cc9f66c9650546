// The page: a photo or the camera in, faces and their answers out.

import { card, errors } from "./cards";
import { drawFaces, SHOWN_SIDE } from "./drawing";
import { certainty } from "./figures";
import { draw, Photo } from "./picture";
import { placeLabels } from "./placement";
import { type Face, Reader } from "./reader";

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
    agelens: {
      read(blob: Blob): Promise<Face[]>;
      readChip(blob: Blob): Promise<Face>;
      certainty: typeof certainty;
      placeLabels: typeof placeLabels;
    };
  }
}

async function start(): Promise<void> {
  const reader = await Reader.load("models/");
  element("licence").textContent = `Weights: ${reader.bundle.licence}.`;
  const measured = errors(reader.bundle);
  if (measured) element("errors").append(measured);
  element("measured").hidden = measured === null;
  window.agelens = {
    read: (blob) => withPhoto(blob, (photo) => reader.read(photo)),
    readChip: (blob) => withPhoto(blob, (photo) => reader.readChip(photo.pixels(SHOWN_SIDE))),
    certainty,
    placeLabels,
  };
  status.textContent = "Ready.";

  const readPhoto = async (file: Blob | undefined, name: string) => {
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
      status.textContent = `${name} cannot be read as an image.`;
    }
  };
  const input = element<HTMLInputElement>("file");
  const chosen = (file: File | undefined) => void readPhoto(file, file?.name ?? "");
  input.addEventListener("change", () => chosen(input.files?.[0]));
  element("example").addEventListener("click", async () => {
    const photo = element<HTMLImageElement>("example-photo");
    await readPhoto(await (await fetch(photo.src)).blob(), "the example");
  });
  const drop = element("drop");
  drop.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    chosen(event.dataTransfer?.files[0]);
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

/** Draws a picture of this size with its faces, and lists what they are. */
function show(source: CanvasImageSource, { width, height }: Size, faces: Face[]): void {
  canvas.hidden = false;
  drawFaces(canvas, source, [width, height], faces);
  const cards = faces.map((face, index) => card(face, faces.length > 1 ? index + 1 : null));
  element("faces").replaceChildren(...cards);
}

function count(faces: number): string {
  return faces === 0 ? "No face found" : faces === 1 ? "One face" : `${faces} faces`;
}

start().catch((error: unknown) => {
  console.error(error);
  status.textContent = "The models cannot be loaded.";
});
