"""How the report looks: on a wide screen, on a phone, in print."""

STYLE = """
:root { color-scheme: light; --ink: #1d2733; --soft: #5c6773; --line: #dde2e8; --tile: #f4f7fa; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 1.5rem 1.2rem 4rem; color: var(--ink); background: #fff;
  font: 16px/1.5 system-ui, sans-serif; }
h3 { font-size: 1rem; margin: 1.2rem 0 .5rem; } details { margin-top: 1rem; }
summary { cursor: pointer; color: var(--soft); }
h1 { font-size: 1.8rem; margin: 0 0 .3rem; } h2 { font-size: 1.25rem; margin: 2.4rem 0 .8rem; }
header p, figcaption, section > p { color: var(--soft); }
.tiles { display: grid; gap: .7rem; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); }
.tile { background: var(--tile); border-radius: .6rem; padding: .8rem .9rem; display: grid; }
.tile b { font-size: 1.5rem; } .tile small { color: var(--soft); }
figure { margin: 0; } figure svg { width: 100%; height: auto; max-width: 42rem; display: block; }
.pair { display: grid; gap: 1.2rem; grid-template-columns: repeat(auto-fit, minmax(19rem, 1fr));
  align-items: end; }
figure.small svg { max-width: 26rem; }
figcaption { font-size: .9rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: .95rem; }
th, td { padding: .3rem .6rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
.wrap th, .wrap td { white-space: normal; }
th:first-child, td:first-child { text-align: left; } th { font-weight: 600; color: var(--soft); }
.faces { display: grid; gap: .7rem; grid-template-columns: repeat(auto-fill, minmax(7rem, 1fr)); }
.faces img { width: 100%; border-radius: .4rem; display: block; }
pre { background: var(--tile); padding: .8rem; border-radius: .5rem; overflow-x: auto; }
@media print { body { max-width: none; font-size: 11pt; } section { break-inside: avoid; } }
"""
