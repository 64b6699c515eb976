/** A page with one fault of each kind that the look at the report is there to find: it is looked at first, and all must be found. */

export const plantedFaults: readonly (readonly [string, RegExp])[] = [
  ['a page wider than the window', /^the page is \d+ wide/],
  ['an element beyond the window', /"too wide" reaches beyond the window/],
  ['a text its box cuts', /"a text that its box cuts.*" is cut$/],
  ['a text its picture cuts', /"outside" is cut by its picture/],
  ['a shape its picture cuts', /^a rect is cut by its picture/],
  ['texts that lie on each other', /"one" lies on .*"two"|"two" lies on .*"one"/],
  ['a picture without extent', /^a picture is 3 × 3/],
  ['a picture without words', /^a picture without words/],
  ['a picture that readers are told nothing of', /neither described nor hidden/],
  ['pale text', /"pale".*contrast 1\.\d+/],
  ['tiny text', /"tiny".*9px/],
  ['a pale bar', /^a fill: contrast 1\.\d+/],
  ['a script', /^console: /],
  ['a request', /^it asked for http/],
];

export const faultyPage = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<body style="background:#fff;color:#000">
<p style="width:3000px">too wide</p>
<p style="width:60px;height:20px;overflow:hidden;white-space:nowrap">a text that its box cuts, for it is long</p>
<svg viewBox="0 0 200 60" width="200" height="60" role="img" aria-labelledby="t d" style="overflow:visible"><title id="t">Planted</title><desc id="d">What is cut.</desc>
<text x="190" y="20">outside</text><text x="10" y="40">one</text><text x="12" y="42">two</text><rect class="fill" style="fill:#eee" x="150" y="30" width="90" height="9"/></svg>
<svg viewBox="0 0 3 3" width="3" height="3" role="img"></svg>
<svg viewBox="0 0 30 30" width="30" height="30"></svg>
<p style="color:#ccc">pale</p><p style="font-size:9px">tiny</p>
<script>console.log('a script ran')</script><img src="http://pqtun.invalid/pixel.png" alt="">
</body></html>
`;
