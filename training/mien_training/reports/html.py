"""The report's page: one HTML file without scripts, its images inside."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape

__all__ = ["cards", "figure", "page", "section", "table"]

_STYLE = """
:root { color-scheme: light dark; --paper: #f6f7f9; --card: #fff; --ink: #1c2027; --muted: #616976;
  --rule: #dfe3e9; --plot: #fbfcfd; --observed: #2f8f5b; --partial: #a8690a; --unobserved: #c2443d;
  --line-0: #2b6fd6; --line-1: #d07a12; --line-2: #259c6c; --line-3: #a24bc0; }
@media (prefers-color-scheme: dark) { :root { --paper: #14161a; --card: #1c1f25; --ink: #e4e7ec;
  --muted: #98a0ad; --rule: #2f343d; --plot: #191c21; --observed: #5fc48c; --partial: #e6ab48;
  --unobserved: #ee7b74;
  --line-0: #6ea8ff; --line-1: #f0a64a; --line-2: #58cf9f; --line-3: #cf8be8; } }
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif }
main { max-width: 1240px; margin: 0 auto; padding: 32px 24px 64px }
h1 { font-size: 28px; line-height: 1.2; margin: 0 0 4px } h2 { font-size: 19px; margin: 0 0 4px }
h3 { font-size: 14px; margin: 20px 0 6px }
p { margin: 0 0 12px; max-width: 78ch } .lead, .note { color: var(--muted) }
section { margin-top: 40px }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px;
  margin-top: 20px }
.cards div { background: var(--card); border: 1px solid var(--rule); border-radius: 8px;
  padding: 12px 14px }
.cards b { display: block; font-size: 22px; line-height: 1.25; font-variant-numeric: tabular-nums }
.cards span { color: var(--muted); font-size: 13px }
figure { margin: 0 } figure img { display: block; width: 100%; height: auto; border-radius: 6px }
figcaption { color: var(--muted); font-size: 13px; margin-top: 5px }
.grid2 { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(520px, 100%), 1fr));
  gap: 18px 20px }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(260px, 1fr)); gap: 10px }
.charts.small { grid-template-columns: repeat(auto-fill, minmax(130px, 1fr)); margin-top: 14px }
.chart { display: block; width: 100%; height: auto; font: 10px system-ui, sans-serif }
.chart .name { fill: var(--ink); font-size: 11px; font-weight: 600 }
.small .chart .name { font-weight: 400; fill: var(--muted) }
.chart .plot { fill: var(--plot); stroke: var(--rule) } .chart .grid { stroke: var(--rule) }
.chart .tick { fill: var(--muted) } .tick.y { text-anchor: end } .tick.x { text-anchor: middle }
.chart .line { fill: none; stroke: var(--line-0); stroke-width: 1.4; stroke-linejoin: round }
.dot0 { fill: var(--line-0) } .dot1 { fill: var(--line-1) } .dot2 { fill: var(--line-2) }
.dot3 { fill: var(--line-3) }
.key span { margin-right: 16px; font-size: 13px; white-space: nowrap }
.key i { display: inline-block; width: 9px; height: 9px; margin-right: 6px; border-radius: 50% }
.scroll { overflow-x: auto }
table { border-collapse: collapse; font-size: 13.5px; width: 100%;
  font-variant-numeric: tabular-nums }
th, td { text-align: left; padding: 4px 14px 4px 0; border-bottom: 1px solid var(--rule) }
th { color: var(--muted); font-weight: 500 } th, td.n { white-space: nowrap }
td.n, th.n { text-align: right }
td.observed { color: var(--observed) } td.partial { color: var(--partial) }
td.unobserved { color: var(--unobserved) }
td.observed::before, td.partial::before, td.unobserved::before { content: "\\25CF\\00A0" }
.numbers { display: grid; grid-template-columns: repeat(auto-fit, minmax(260px, 1fr)); gap: 0 40px }
ul { margin: 0 0 12px; padding-left: 20px } li { margin: 2px 0 } li small { color: var(--muted) }
.two { columns: 2 420px; column-gap: 32px } .two li { break-inside: avoid }
@media print { section { break-inside: avoid } body { background: #fff } }
"""


def page(title: str, lead: str, body: Iterable[str]) -> str:
    """The whole document; `body` is HTML, the others plain text."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f'<h1>{escape(title)}</h1>\n<p class="lead">{escape(lead)}</p>\n'
        + "\n".join(body)
        + "\n</main>\n</body>\n</html>\n"
    )


def section(title: str, *parts: str, note: str = "") -> str:
    """A heading, a sentence below it (plain text), and HTML."""
    below = f'<p class="note">{escape(note)}</p>' if note else ""
    return f"<section>\n<h2>{escape(title)}</h2>\n{below}" + "\n".join(parts) + "\n</section>"


def cards(items: Sequence[tuple[str, str]]) -> str:
    """Large figures, each with what it is: (figure, words)."""
    inner = "".join(f"<div><b>{escape(a)}</b><span>{escape(b)}</span></div>" for a, b in items)
    return f'<div class="cards">{inner}</div>'


def figure(image: bytes, alt: str, caption: str = "") -> str:
    """An image file, PNG or JPEG, stored in the page itself."""
    data = base64.b64encode(image).decode()
    kind = "jpeg" if image.startswith(b"\xff\xd8") else "png"
    below = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    source = f"data:image/{kind};base64,{data}"
    return f'<figure><img alt="{escape(alt)}" src="{source}">{below}</figure>'


def table(
    head: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int] = (),
    marked: int | None = None,
) -> str:  # fmt: skip
    """Plain text cells; columns `numbers` to the right, words of column `marked` in the colour
    that the style gives them.
    """

    def cell(tag: str, column: int, text: str) -> str:
        kind = "n" if column in numbers else ""
        if tag == "td" and column == marked:
            kind = text
        attribute = f' class="{escape(kind)}"' if kind else ""
        return f"<{tag}{attribute}>{escape(text)}</{tag}>"

    def line(tag: str, cells: Sequence[str]) -> str:
        return "<tr>" + "".join(cell(tag, n, c) for n, c in enumerate(cells)) + "</tr>"

    top = f"<thead>{line('th', head)}</thead>" if any(head) else ""
    inner = "".join(line("td", row) for row in rows)
    return f'<div class="scroll"><table>{top}<tbody>{inner}</tbody></table></div>'
