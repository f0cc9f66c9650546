// The form of the front page: a photo goes to /v1/predict, and its faces are drawn and listed.

// As agelens.figures has them, and agelens.inference.annotate the colours: of the box, of the text on it.
const DOUBTFUL = 0.75;
const COLOURS = { male: ["#0072b2", "#ffffff"], female: ["#e69f00", "#000000"], unsure: ["#009e73", "#000000"] };

const element = (id) => document.getElementById(id);
const status = element("status");

element("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const photo = element("photo").files[0];
  const key = element("key").value;
  status.textContent = "Reading…";
  element("answer").hidden = true;
  try {
    const body = new FormData();
    body.append("images", photo);
    const headers = key ? { Authorization: `Bearer ${key}` } : {};
    const response = await fetch("v1/predict", { method: "POST", body, headers });
    const content = await response.json();
    if (!response.ok) throw new Error(content.detail);
    await show(photo, content[0]);
  } catch (error) {
    status.textContent = `Not answered: ${error.message}`;
  }
});

async function show(photo, answer) {
  const { width, height, faces } = answer;
  status.textContent = faces.length === 1 ? "One face." : `${faces.length || "No"} faces.`;
  element("faces").replaceChildren(...faces.map(row));
  element("answer").hidden = faces.length === 0;
  if (faces.length === 0) return;
  try {
    const bitmap = await createImageBitmap(photo, { imageOrientation: "from-image" });
    draw(bitmap, width, height, faces);
    element("picture").hidden = false;
  } catch {
    element("picture").hidden = true; // the browser does not know the format, which the service does
  }
}

function draw(bitmap, width, height, faces) {
  const canvas = element("picture");
  const scale = Math.min(1, 1600 / Math.max(width, height));
  [canvas.width, canvas.height] = [Math.round(width * scale), Math.round(height * scale)];
  const context = canvas.getContext("2d");
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  const text = Math.max(14, Math.max(canvas.width, canvas.height) / 40);
  context.font = `600 ${text}px system-ui, sans-serif`;
  context.textBaseline = "middle";
  context.lineWidth = text / 8;
  faces.forEach((face, index) => {
    const [x0, y0, x1, y1] = face.box.map((value) => value * scale);
    const [colour, ink] = COLOURS[doubtful(face) || !face.gender ? "unsure" : face.gender];
    context.strokeStyle = context.fillStyle = colour;
    context.setLineDash(doubtful(face) ? [text / 2, text / 3] : []);
    context.strokeRect(x0, y0, x1 - x0, y1 - y0);
    const wide = context.measureText(index + 1).width + 0.6 * text;
    const left = Math.max(0, Math.min(x0, canvas.width - wide)); // in its own box, and inside the picture
    const top = Math.max(0, Math.min(y0, canvas.height - 1.3 * text));
    context.fillRect(left, top, wide, 1.3 * text);
    context.fillStyle = ink;
    context.fillText(index + 1, left + 0.3 * text, top + 0.7 * text);
  });
}

function row(face, index) {
  const [low, high] = (face.age_interval ?? []).map((years) => years.toFixed(0));
  const cells = [
    String(index + 1),
    face.age === null ? "–" : face.age.toFixed(1),
    face.age_interval === null ? "–" : `${low} – ${high}`,
    face.gender === null ? "–" : face.gender + (doubtful(face) ? "?" : ""),
    certainty(face.gender_probability),
    face.quality.toFixed(2),
  ];
  const line = document.createElement("tr");
  line.append(...cells.map((text) => Object.assign(document.createElement("td"), { textContent: text })));
  return line;
}

function doubtful(face) {
  return face.gender_probability !== null && face.gender_probability < DOUBTFUL;
}

function certainty(probability) {
  if (probability === null) return "–";
  const percent = (100 * probability).toFixed(0);
  return percent === "100" ? ">99%" : `${percent}%`;
}
