// SPDX-License-Identifier: Apache-2.0

/** The report's only style: light and dark, screen, phone and paper. */
export const STYLE = `
:root{color-scheme:light dark;--ink:#1c2330;--soft:#5b6575;--line:#dde2ea;--paper:#fff;--card:#f6f8fb;--main:#2457d6;--other:#0f8a7e;--good:#1e8e4e;--bad:#c2410c}
@media (prefers-color-scheme:dark){:root{--ink:#e6eaf2;--soft:#9aa6b8;--line:#2c3443;--paper:#12161e;--card:#1a202b;--main:#7aa2ff;--other:#4fd1c0;--good:#4ac27b;--bad:#ff9463}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:60rem;padding:2rem 1.25rem 4rem;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
h1{font-size:1.6rem;margin:0;overflow-wrap:anywhere}h2{font-size:1.1rem;margin:2.25rem 0 .75rem}
p{margin:.25rem 0}.note,.empty,.sub{color:var(--soft);font-size:.9rem}
.status{display:inline-block;padding:.1rem .6rem;border-radius:1rem;font-weight:600;font-size:.85rem;border:1px solid currentColor}
.status.good{color:var(--good)}.status.bad{color:var(--bad)}
.reason{border-left:3px solid var(--bad);padding:.25rem .75rem;margin:1rem 0;overflow-wrap:anywhere}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.75rem;margin-top:1.25rem}
.tile{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.75rem}
.tile b{display:block;font-size:1.35rem;line-height:1.2;font-variant-numeric:tabular-nums}.tile span{color:var(--soft);font-size:.85rem}
svg{display:block;width:100%;height:auto}.axis{font-size:11px;fill:var(--soft)}.grid{stroke:var(--line)}
.line{fill:none;stroke:var(--main);stroke-width:2}.area{fill:var(--main);opacity:.14}
.cap{stroke:var(--bad);stroke-width:1.5;stroke-dasharray:5 4}.cap-label{font-size:11px;fill:var(--bad)}
.bar{display:grid;grid-template-columns:minmax(6rem,14rem) 1fr minmax(5rem,auto);gap:.75rem;align-items:center;padding:.15rem 0}
.bar-label{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}.bar-track{height:.8rem}.bar-value{text-align:right;font-variant-numeric:tabular-nums}
.neutral,.in{fill:var(--main)}.out{fill:var(--other)}.good{fill:var(--good)}.bad{fill:var(--bad)}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(18rem,1fr));gap:1rem}figure{margin:0;background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.75rem}
figcaption{font-size:.85rem;color:var(--soft);margin-bottom:.5rem;overflow-wrap:anywhere}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .75rem .3rem 0;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}
th{font-weight:600;color:var(--soft);font-size:.85rem}.n{text-align:right;font-variant-numeric:tabular-nums}
@media print{body{max-width:none}.tile,figure{break-inside:avoid}}
`.trim();
