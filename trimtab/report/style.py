"""The style sheet of every report: two palettes, system fonts, three widths."""

STYLE = """
:root{--paper:#faf9f6;--card:#fff;--ink:#1c2226;--muted:#59636a;--line:#e3e0d9;--accent:#1f5c77;
--ghost:#8b9298;
--drifted:#a64d19;--drifted-soft:#f4e4d8;--stable:#33694f;--stable-soft:#dfece4;--unknown:#5f666d;
--unknown-soft:#e9e8e4;--bar:#c9d9df;color-scheme:light dark}
@media (prefers-color-scheme:dark){:root{--paper:#13171a;--card:#1a2024;--ink:#e8e6e1;--muted:#a4adb3;
--line:#2e363b;
--accent:#86bdd3;--ghost:#7d868c;--drifted:#e6a071;--drifted-soft:#3b281b;--stable:#8cc3a5;
--stable-soft:#1d3329;
--unknown:#aab1b7;--unknown-soft:#2a3136;--bar:#33505d}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);
font:16px/1.6 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif;
font-variant-numeric:tabular-nums}
main{max-width:56rem;margin:0 auto;padding:3.5rem 1.5rem 5rem}
h1,h2,h3{font-family:Charter,"Bitstream Charter","Sitka Text",Cambria,Georgia,serif;font-weight:600;
line-height:1.2;
text-wrap:balance;margin:0}
h1{font-size:2.35rem;letter-spacing:-.01em}
h2{font-size:1.45rem;margin-bottom:.35rem}
h3{font-size:1.05rem;margin:1.6rem 0 .3rem}
p{margin:.5rem 0;max-width:42rem;text-wrap:pretty}
header .over{color:var(--muted);margin:0 0 .6rem;font-size:.88rem;letter-spacing:.02em}
header .verdict{font-size:1.18rem;line-height:1.5;margin:1rem 0 0}
section{margin-top:3.2rem}
.lead,.note,figcaption{color:var(--muted)}
.note,figcaption{font-size:.88rem}
.lead{margin:.1rem 0 1rem}
a{color:var(--accent)}
code{font:.86em ui-monospace,"SF Mono",Menlo,Consolas,monospace;overflow-wrap:anywhere}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(10.5rem,1fr));gap:1px;
background:var(--line);
border:1px solid var(--line);border-radius:10px;overflow:hidden;margin:2rem 0 0}
.figure{background:var(--card);padding:1rem 1.1rem;display:flex;flex-direction:column}
.figure dt{font-size:.84rem;color:var(--muted);order:1}
.figure dd{margin:0;font-size:1.55rem;font-weight:600;line-height:1.25;letter-spacing:-.01em}
.figure p{order:2;margin:.15rem 0 0;font-size:.84rem;color:var(--muted);line-height:1.4}
.badge{font-family:system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;letter-spacing:0;
display:inline-flex;gap:.4em;align-items:baseline;padding:.06em .6em;border-radius:99px;font-size:.86rem;
white-space:nowrap;background:var(--unknown-soft);color:var(--unknown)}
.badge .sign{font-size:.7em}
.badge.drifted,.badge.rejected,.badge.rolled-back{background:var(--drifted-soft);color:var(--drifted)}
.badge.stable,.badge.champion{background:var(--stable-soft);color:var(--stable)}
.wide{overflow-x:auto;margin:1rem 0;border:1px solid var(--line);border-radius:10px;background:var(--card)}
.wide:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
table{border-collapse:collapse;width:100%;font-size:.9rem;line-height:1.45}
td code{white-space:nowrap}
th,td{padding:.5rem .65rem;text-align:left;vertical-align:top;border-top:1px solid var(--line);
font-weight:400}
thead th{border-top:0;color:var(--muted);font-size:.82rem;vertical-align:bottom;white-space:nowrap}
tbody th{font-weight:600;white-space:nowrap}
.right{text-align:right;white-space:nowrap}
table.scroll{font-size:.875rem} table.scroll th,table.scroll td{padding:.5rem .5rem}
table.scroll th:first-child,table.scroll td:first-child{padding-left:.9rem}
table.scroll th:first-child{position:sticky;left:0;background:var(--card)}
figure{margin:1.4rem 0 0}
svg{display:block;width:100%;height:auto;overflow:visible}
svg text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;fill:var(--muted)}
svg .strong{fill:var(--ink);font-weight:600}
svg .grid{stroke:var(--line)}
svg .axis{stroke:var(--ghost)}
svg .now{stroke:var(--accent);fill:none;stroke-width:2.4;stroke-linejoin:round;stroke-linecap:round}
svg .then{stroke:var(--ghost);fill:none;stroke-width:2;stroke-dasharray:5 4;stroke-linecap:round}
svg .dot-now{fill:var(--accent);stroke:var(--paper);stroke-width:1.5}
svg .dot-then{fill:var(--paper);stroke:var(--ghost);stroke-width:1.5}
svg .allowed{stroke:var(--ink);stroke-dasharray:3 2;stroke-width:1.2}
svg .label-now{fill:var(--accent);font-weight:600}
svg .mark{stroke:var(--accent);stroke-dasharray:1 4;stroke-linecap:round;stroke-width:1.5}
svg .drifted{fill:var(--drifted)} svg .stable{fill:var(--stable)} svg .undetermined{fill:var(--unknown)}
svg .bar{fill:var(--bar)} svg .empty{fill:var(--unknown-soft)}
svg .part0{fill:var(--accent)} svg .part1{fill:var(--stable)} svg .part2{fill:var(--ghost)}
svg .part3{fill:var(--drifted)} svg .part4{fill:var(--bar)} svg .part5{fill:var(--unknown-soft)}
.narrow{display:none}
.legend{display:flex;flex-wrap:wrap;gap:.3rem 1.3rem;margin:0 0 .5rem;padding:0;list-style:none;
font-size:.88rem}
.legend li{display:flex;align-items:center;gap:.45rem}
.legend svg{width:26px;height:12px;flex:none}
.features{display:grid;gap:1px;background:var(--line);border:1px solid var(--line);border-radius:10px;
overflow:hidden}
.feature{background:var(--card);padding:1rem 1.1rem;display:grid;grid-template-columns:1fr 15rem;
gap:.2rem 1.5rem}
.feature h3{margin:0;display:flex;flex-wrap:wrap;gap:.3rem .7rem;align-items:baseline;
overflow-wrap:anywhere;min-width:0}
.feature p{margin:.25rem 0 0;font-size:.92rem}
.feature .note{font-size:.86rem}
.feature figure{margin:0}
.feature figure.trend{margin:.9rem 0 0;max-width:15rem}
ul.plain{margin:.6rem 0;padding-left:1.1rem;max-width:42rem}
ul.plain li{margin:.35rem 0}
ul.tree,ul.tree ul{list-style:none;margin:0;padding:0 0 0 1.15rem}
ul.tree{padding:0}
ul.tree ul{border-left:1px solid var(--line);margin-left:.35rem}
ul.tree li{padding:.22rem 0;position:relative}
ul.tree ul>li::before{content:"";position:absolute;left:-1.15rem;top:1rem;width:.8rem;
border-top:1px solid var(--line)}
details summary{cursor:pointer;color:var(--accent)}
footer{margin-top:4rem;border-top:1px solid var(--line);padding-top:1.2rem;color:var(--muted);
font-size:.88rem}
dl.terms{display:grid;grid-template-columns:max-content 1fr;gap:.3rem 1.1rem;margin:.8rem 0;
font-size:.92rem}
dl.terms dt{font-weight:600} dl.terms dd{margin:0}
@media (max-width:40rem){
main{padding:2rem 1rem 3rem} h1{font-size:1.8rem} section{margin-top:2.4rem}
header .verdict{font-size:1.06rem}
.wide-only{display:none} .narrow{display:block}
.figures{grid-template-columns:1fr 1fr} .figure{padding:.8rem .85rem} .figure dd{font-size:1.3rem}
.feature{grid-template-columns:1fr}
.feature figure,.feature figure.trend{margin-top:.6rem;max-width:20rem}
dl.terms{grid-template-columns:1fr;gap:0} dl.terms dd{margin-bottom:.5rem}
table.cards thead{display:none} table.cards tr{display:block;padding:.7rem 0;
border-top:1px solid var(--line)}
table.cards tbody tr:first-child{border-top:0}
table.cards th,table.cards td{display:block;border:0;padding:.12rem .9rem;text-align:left;
white-space:normal}
table.cards td::before{content:attr(data-label) ": ";color:var(--muted)}
table.cards td:empty{display:none}
}
@media print{body{background:#fff} section,.feature,figure{break-inside:avoid}}
""".strip()
