#pragma once

namespace axonzoo::detail {

/// The page's rules; colours are variables that `page` sets for light, dark and print.
inline constexpr const char* page_style = R"css(
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;scroll-padding-top:1rem}
body{margin:0;background:var(--surface);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main{max-width:74rem;margin:0 auto;padding:2.5rem 1.5rem 4rem}
h1{font-size:2rem;line-height:1.2;letter-spacing:-.015em;margin:0 0 .4rem;font-weight:650}
h2{font-size:1.3rem;line-height:1.3;margin:3.2rem 0 .6rem;padding-top:1.1rem;border-top:1px solid var(--grid);font-weight:650;letter-spacing:-.01em}
h3{font-size:1rem;margin:1.6rem 0 .3rem;font-weight:650}
p,ul,dl{max-width:46rem;margin:.5rem 0 1rem}
a{color:var(--series-1)}
.lead{color:var(--muted);font-size:1.05rem;max-width:50rem;margin:0}
nav{margin:1.2rem 0 0;display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;font-size:.9rem}
nav a{text-decoration:none}nav a:hover{text-decoration:underline}
code,pre{font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
pre{background:var(--panel);border:1px solid var(--grid);border-radius:6px;padding:.8rem 1rem;overflow-x:auto;white-space:pre-wrap;overflow-wrap:anywhere}
.facts{display:grid;grid-template-columns:repeat(3,1fr);border:1px solid var(--grid);border-radius:8px;overflow:hidden;margin:1.8rem 0 0;max-width:none}
.facts div{box-shadow:0 0 0 .5px var(--grid);padding:.9rem 1.1rem}
.facts dt{color:var(--muted);font-size:.82rem}
.facts dd{margin:.15rem 0 0;font-size:1.45rem;font-weight:600;letter-spacing:-.01em;font-variant-numeric:tabular-nums}
.facts small{display:block;font-size:.82rem;font-weight:400;letter-spacing:0;color:var(--muted);overflow-wrap:anywhere}
figure{margin:1.4rem 0 2rem}
figcaption{color:var(--muted);font-size:.875rem;line-height:1.5;max-width:50rem;margin:.6rem 0 0}
figcaption b,caption b{color:var(--ink);font-weight:600}
.wide{overflow-x:auto}
.panels{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,30rem),1fr));gap:1.2rem}
.panels>div{min-width:0}.panels .wide{overflow-x:auto}
svg.plot{display:block;width:100%;height:auto;font-family:inherit}
.pictures{display:grid;gap:.8rem;grid-template-columns:repeat(auto-fit,minmax(min(100%,17rem),1fr));align-items:start}
.picture{position:relative}
.picture img{display:block;width:100%;height:auto;border-radius:3px}
.picture>span{display:block;color:var(--muted);font-size:.82rem;margin-top:.3rem}
.frame{position:relative}
.frame i{position:absolute;border:2px solid #fff;box-shadow:0 0 0 1px #000,inset 0 0 0 1px #000}
.scale{position:absolute;left:.7rem;bottom:.6rem;border-bottom:3px solid #fff;color:#fff;font-size:.72rem;line-height:1.5;text-align:center;white-space:nowrap;text-shadow:0 0 3px #000,0 0 3px #000;filter:drop-shadow(0 0 1px #000)}
.frame.g{max-width:72rem;margin:.5rem 0 1.6rem}
.frame.g img{display:block;width:100%;height:auto;border-radius:3px}
.frame.g svg{position:absolute;inset:0;width:100%;height:100%}
.frame.g circle{fill:transparent;stroke:transparent;stroke-width:1.5}.frame.g circle:hover{stroke:#fff}
.legend{white-space:nowrap;color:var(--muted);margin-right:.8rem}
.legend i{display:inline-block;width:9rem;height:.8em;border-radius:2px;vertical-align:-.05em}.legend i.none{width:.8em;background:rgb(214,60,50)}
.swatch{display:inline-block;width:.8em;height:.8em;border-radius:2px;margin:0 .35em 0 0;vertical-align:-.05em;border:1px solid var(--muted)}
.table{overflow-x:auto;margin:1rem 0 2rem;width:max-content;min-width:100%;max-width:max(100%,min(50vw + 34rem,100vw - 3rem))}
table{border-collapse:collapse;font-size:.875rem;font-variant-numeric:tabular-nums;line-height:1.35}
caption{caption-side:bottom;text-align:left;color:var(--muted);font-size:.875rem;line-height:1.5;padding:.7rem 0 0;max-width:50rem}
th,td{padding:.42rem .65rem;text-align:right;vertical-align:top;white-space:nowrap}
th{font-weight:600;white-space:normal}th:first-child{white-space:nowrap}
thead th{vertical-align:bottom;border-bottom:1px solid var(--muted)}
thead tr.groups th{border-bottom:0;color:var(--muted);font-weight:500;padding-bottom:0}
thead tr.groups th[colspan]:not([colspan="1"]){text-align:center}
thead tr.groups th:not(:empty)>span{display:block;border-bottom:1px solid var(--grid);padding-bottom:.2rem}
tbody tr{border-bottom:1px solid var(--grid)}
tbody tr:hover{background:var(--panel)}
td:first-child,th:first-child{text-align:left;position:sticky;left:0;background:var(--surface);padding-left:.2rem}
tbody tr:hover td:first-child{background:var(--panel)}
td.words,th.words{text-align:left}
td.words:last-child{white-space:normal;min-width:14rem}
td.reason{text-align:left;color:var(--muted);white-space:normal;min-width:16rem}
td small{display:block;color:var(--muted);font-size:.78rem}
td .spread{color:var(--muted);font-weight:400}
td.best{font-weight:700}td.best small{font-weight:400}
tr.heading td{font-weight:600;padding-top:1.1rem;white-space:normal}
tr.heading:hover,tr.heading:hover td:first-child{background:var(--surface)}
th button{all:unset;cursor:pointer;border-radius:3px}
th button:focus-visible{outline:2px solid var(--series-1);outline-offset:2px}
th[aria-sort=ascending] button::after{content:" \2191"}
th[aria-sort=descending] button::after{content:" \2193"}
.failed{color:var(--series-2)}
dl.pairs{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1.2rem;max-width:60rem}
dl.pairs dt{color:var(--muted)}dl.pairs dd{margin:0;overflow-wrap:anywhere}
@media(max-width:40rem){.facts{grid-template-columns:1fr 1fr}main{padding:1.4rem 1rem 3rem}h1{font-size:1.6rem}dl.pairs{grid-template-columns:1fr;gap:0}dl.pairs dd{margin-bottom:.6rem}th,td{padding:.4rem .55rem}}
@media print{body{font-size:10.5pt}main{max-width:none;padding:0}nav{display:none}h2,h3{break-after:avoid}figure,tr,.facts{break-inside:avoid}.table,.wide{overflow:visible;width:auto;max-width:none}table{font-size:7.5pt}td small{font-size:6.5pt}td.words:last-child{min-width:0}.pictures{grid-template-columns:repeat(3,1fr)}figcaption,caption,p.lead{font-size:9pt}th,td{padding:.25rem .35rem}svg.plot{min-width:0!important}.panels{grid-template-columns:1fr 1fr}td:first-child,th:first-child{position:static}}
)css";

/// Sorts a table by the column whose heading is pressed; fields without a number stay last.
inline constexpr const char* page_script = R"js(
for(const table of document.querySelectorAll("table.sortable"))table.querySelectorAll("th button").forEach(button=>button.addEventListener("click",()=>{
const th=button.closest("th"),up=th.getAttribute("aria-sort")==="descending",column=+button.dataset.column;
table.querySelectorAll("th[aria-sort]").forEach(other=>other.removeAttribute("aria-sort"));th.setAttribute("aria-sort",up?"ascending":"descending");
const key=row=>{const cell=row.cells[column];if(!cell||cell.dataset.sort===undefined)return null;const n=Number(cell.dataset.sort);return Number.isNaN(n)?cell.dataset.sort:n};
for(const body of table.tBodies)[...body.rows].filter(row=>!row.classList.contains("heading")).sort((a,b)=>{const x=key(a),y=key(b);if(x===null||y===null)return(x===null)-(y===null);return(x<y?-1:x>y?1:0)*(up?1:-1)}).forEach(row=>body.append(row))}));
)js";

}  // namespace axonzoo::detail
