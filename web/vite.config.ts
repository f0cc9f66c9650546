import { defineConfig } from "vite";

// Relative addresses, so that the page runs from any folder of any static host.
export default defineConfig({
  base: "./",
  build: { target: "es2022", assetsInlineLimit: 0 },
});
