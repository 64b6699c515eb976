/** The style sheet of the report: light and dark, phone and desk, paper. */
import { looks, type Theme, themes } from './palette.ts';

const variables = (theme: Theme, which: 'light' | 'dark'): string =>
  [
    ...Object.entries(theme).map(([name, colour]) => `--${name}:${colour}`),
    ...looks.map((look) => `--${look.name}:${look[which]}`),
  ].join(';');

/** Of what is drawn; also put into pictures that stand alone. */
export const chartStyle = `
.chart text{font:13px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;fill:var(--text)}
.chart .soft{font-size:12px;fill:var(--soft)}
.chart .figure{font-weight:600;font-variant-numeric:tabular-nums}
.chart .grid{stroke:var(--grid);stroke-width:1}
.chart .axis{stroke:var(--soft);stroke-width:1}
.chart .track{fill:var(--grid)}
.chart .range{fill:none;stroke:var(--text);stroke-width:1.5}
.chart .halo{fill:none;stroke:var(--card);stroke-width:4.5}
.chart .median{stroke:var(--card);stroke-width:2}
.chart .leader{fill:none;stroke:var(--line);stroke-width:1}
.chart .stroke{fill:none;stroke-width:2.2;stroke-linejoin:round;stroke-linecap:butt}
.chart .thin{stroke-width:1.5}
.chart .mark,.chart .end{stroke:var(--card);stroke-width:1}
.pattern{stroke:var(--card);stroke-width:3.2}
.dot{fill:var(--card)}
${looks.map(({ name }) => `.stroke.${name}{stroke:var(--${name})}.fill.${name},.mark.${name},.end.${name}{fill:var(--${name})}`).join('\n')}
`;

export const themeStyle = `:root{color-scheme:light dark;${variables(themes.light, 'light')}}
@media (prefers-color-scheme:dark){:root{${variables(themes.dark, 'dark')}}}
`;

export const style = `${themeStyle}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;background:var(--ground);color:var(--text);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;overflow-wrap:anywhere}
main,header,footer{max-width:1240px;margin:0 auto;padding:0 16px}
header{padding-top:24px}
h1,h2,h3,p{margin:0}
h1{font-size:clamp(1.5rem,1.1rem + 2vw,2.2rem);line-height:1.2;letter-spacing:-.015em;text-wrap:balance}
h2{font-size:1.25rem;line-height:1.3;letter-spacing:-.01em}
h3{font-size:.95rem;line-height:1.35;font-weight:600;margin-bottom:14px}
a{color:var(--accent)}
.kind{color:var(--soft);font-size:.85rem;font-weight:600;letter-spacing:.04em;margin-bottom:6px}
.kind strong{color:var(--accent)}
.about{color:var(--soft);margin-top:6px}
.banner{background:var(--warnGround);color:var(--warnText);border-left:5px solid var(--warnLine);border-radius:6px;padding:12px 16px;margin-top:18px}
.banner ul{margin:0;padding:0;list-style:none}
.banner li+li{margin-top:6px}
.glance{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:20px 0 0;padding:0}
.tile{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px 16px}
.tile dt{color:var(--soft);font-size:.85rem;line-height:1.35}
.tile dd{margin:4px 0 0;font-size:1.3rem;font-weight:650;line-height:1.2;letter-spacing:-.01em;font-variant-numeric:tabular-nums}
.tile small{display:block;color:var(--soft);font-size:.8rem;font-weight:400;letter-spacing:0;line-height:1.35;margin-top:4px}
nav{margin-top:18px;display:flex;flex-wrap:wrap;gap:4px 18px;font-size:.95rem}
nav a{padding:4px 0}
section{margin-top:40px}
section>p{color:var(--soft);max-width:46em;margin-top:6px}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,330px),1fr));gap:14px;margin-top:16px;align-items:start}
figure,.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:16px;margin:0}
figure{display:flex;flex-direction:column;max-width:480px;break-inside:avoid}
figcaption{color:var(--soft);font-size:.85rem;line-height:1.45;margin-top:12px}
.chart{display:block;width:100%;height:auto}
.defs{position:absolute}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:2px 16px;margin:0 0 8px;padding:0;color:var(--text)}
.legend li{display:flex;align-items:center;gap:7px}
.key{flex:none;border-radius:2px}
details{background:var(--card);border:1px solid var(--line);border-radius:10px;margin-top:12px}
summary{padding:11px 16px;cursor:pointer;font-size:.95rem}
summary:focus-visible,.scroller:focus-visible,a:focus-visible{outline:3px solid var(--accent);outline-offset:2px;border-radius:6px}
.scroller{overflow-x:auto}
section>.scroller{background:var(--card);border:1px solid var(--line);border-radius:10px;margin-top:16px}
table{border-collapse:collapse;width:100%;font-size:.88rem;line-height:1.4;font-variant-numeric:tabular-nums}
th,td{padding:7px 10px;text-align:right;vertical-align:top;border-top:1px solid var(--line)}
section>.scroller thead th{border-top:0}
td{white-space:nowrap;overflow-wrap:normal}
th:first-child{text-align:left;padding-left:16px;min-width:9em}
td:last-child,th:last-child{padding-right:16px}
thead th{color:var(--soft);font-weight:600;overflow-wrap:normal}
tbody th{font-weight:400}
.formula{display:block;color:var(--soft);font-size:.94em}
.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,270px),1fr));gap:14px 24px;margin:16px 0 0}
.facts dt{color:var(--soft);font-size:.85rem}
.facts dd{margin:0}
.states{list-style:none;margin:0;padding:0}
.states li{padding:2px 0}
.yes::before{content:"✓ ";color:var(--accent);font-weight:700}
.no::before{content:"– "}
.no{color:var(--soft)}
.plain{margin:12px 0 0;padding-left:1.2em;max-width:46em}
.plain li+li{margin-top:8px}
footer{color:var(--soft);font-size:.85rem;margin-top:44px;padding-bottom:40px}
${chartStyle}
@media (max-width:420px){table{font-size:.82rem}th,td{padding:6px 7px}th:first-child{padding-left:12px;min-width:7.5em}}
@media print{
:root{${variables({ ...themes.light, ground: '#ffffff' }, 'light')}}
body{font-size:10.5pt}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
nav{display:none}
section{break-inside:auto;margin-top:24px}
h2{break-after:avoid}
tr,.tile{break-inside:avoid}
.charts{grid-template-columns:repeat(2,1fr)}
.scroller{overflow:visible}
table{font-size:9pt}
td{white-space:normal}
details::details-content{content-visibility:visible;block-size:auto}
}
`;
