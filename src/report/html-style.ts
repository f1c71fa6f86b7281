import { type Theme, themeCss } from "./svg-theme.ts";

/** The page's style sheet: readable narrow and wide, in light and dark, and on paper. */
export function pageStyle(theme: Theme): string {
  return `${themeCss(":root", theme)}
:root{color-scheme:${theme === "auto" ? "light dark" : theme}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1.5rem 1.25rem 3rem;max-width:66rem;background:var(--page);
color:var(--text);font:16px/1.5 system-ui,"Segoe UI",Helvetica,Arial,sans-serif}
h1{font-size:1.45rem;line-height:1.25;margin:0 0 .25rem}
h2{font-size:1.15rem;margin:2.25rem 0 .75rem;border-bottom:1px solid var(--line);padding-bottom:.3rem}
h3{font-size:1rem;margin:1.25rem 0 .5rem}
p,ul{margin:.5rem 0}
.faint{color:var(--faint);font-weight:400}
.scroll{overflow-x:auto}
:focus-visible{outline:2px solid var(--p0);outline-offset:2px}
table{border-collapse:collapse;font-size:.875rem;font-variant-numeric:tabular-nums}
th,td{padding:.25rem .75rem .25rem 0;text-align:right;vertical-align:top}
th[scope=row],thead th:first-child,.text,#phases thead th{text-align:left}
#phases thead th:nth-child(3),#phases thead th:nth-child(4),#phases thead th:nth-child(5){text-align:right}
#phases td:not(:last-child),#phases th{white-space:nowrap}
#phases td:last-child{min-width:18rem}
thead th{border-bottom:1px solid var(--line);vertical-align:bottom}
tr.first>*{padding-top:.9rem}
th.part{font-weight:400;padding-left:1rem}
.prices{list-style:none;padding:0}
.prices li{margin:0 0 .8rem;font-size:.9rem}
.price{font-variant-numeric:tabular-nums}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1.25rem;margin:.5rem 0}
dt{color:var(--faint)}dd{margin:0;overflow-wrap:anywhere}
figure{margin:.5rem 0 1.5rem}
figure svg{max-width:100%;height:auto}
figcaption{font-weight:600;margin-bottom:.4rem}
.legend{display:flex;flex-wrap:wrap;gap:.25rem 1rem;font-size:.8rem;margin:.4rem 0 0;padding:0;list-style:none}
.legend span{display:inline-block;width:1.1rem;height:1.1rem;border-radius:2px;margin-right:.35rem;
color:var(--on-part);font-weight:600;text-align:center;line-height:1.1rem;print-color-adjust:exact}
#controls{display:flex;flex-wrap:wrap;gap:.5rem 1.5rem;margin:.5rem 0 1rem}
#controls[hidden]{display:none}
fieldset{border:1px solid var(--line);border-radius:6px;padding:.25rem .75rem .5rem;margin:0}
legend{color:var(--faint);font-size:.85rem;padding:0 .3rem}
label{margin-right:1rem;white-space:nowrap}
input{accent-color:var(--p0)}
pre{font:.8rem/1.35 ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace;margin:.5rem 0}
summary{cursor:pointer;padding:.25rem 0}
.plot{--plot-background:var(--page);color:var(--text);background:var(--page);overflow:visible;font-family:inherit}
@media print{#controls{display:none}body{max-width:none;padding:0;font-size:11pt}
.scroll{overflow:visible}table{font-size:8pt}tr,figure{break-inside:avoid}h2{break-after:avoid}}
@media(max-width:40rem){dl{grid-template-columns:1fr}dd{margin-bottom:.4rem}body{padding:1rem .75rem 2rem}}
`;
}
