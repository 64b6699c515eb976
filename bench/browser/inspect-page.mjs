/**
 * What is looked at inside the page: sent to the browser as text, whose value is what the last line gives back. The page's own policy
 * forbids scripts; the debugger is not the page. `faults` are sentences, none when all is well; the counts show that something was seen.
 */
(() => {
  const faults = [];
  const counts = { texts: 0, pictures: 0, shapes: 0 };
  const wide = innerWidth;

  const shown = (element) => element.checkVisibility({ contentVisibilityAuto: true, opacityProperty: true });
  const nameOf = (element) =>
    `<${element.tagName.toLowerCase()}> "${(element.textContent ?? '').trim().slice(0, 40)}"`;

  // 1. Nothing is wider than the window; what may scroll by itself holds what it has.
  if (document.documentElement.scrollWidth > wide)
    faults.push(`the page is ${document.documentElement.scrollWidth} wide, the window ${wide}`);
  for (const element of document.querySelectorAll('body *')) {
    if (!shown(element) || element.closest('.scroller') !== null) continue;
    const box = element.getBoundingClientRect();
    if (box.width > 0 && (box.right > wide + 0.5 || box.left < -0.5))
      faults.push(`${nameOf(element)} reaches beyond the window`);
  }

  // 2. No text is cut: neither by its own box nor by the picture it stands in.
  for (const element of document.querySelectorAll('body *')) {
    if (!shown(element) || element.closest('svg') !== null || element.matches('.scroller')) continue;
    const { overflowX, overflowY } = getComputedStyle(element);
    const hides = (overflow) => overflow === 'hidden' || overflow === 'clip';
    if (
      (hides(overflowX) && element.scrollWidth > element.clientWidth + 1) ||
      (hides(overflowY) && element.scrollHeight > element.clientHeight + 1)
    )
      faults.push(`${nameOf(element)} is cut`);
  }
  for (const picture of document.querySelectorAll('svg')) {
    if (picture.matches('.defs') || !shown(picture)) continue;
    counts.pictures += 1;
    const box = picture.getBoundingClientRect();
    if (box.width < 10 || box.height < 10) faults.push(`a picture is ${box.width} × ${box.height}`);
    const texts = [...picture.querySelectorAll('text')].map((text) => ({
      text,
      box: text.getBoundingClientRect(),
    }));
    for (const each of texts) {
      const inside = each.box;
      if (
        inside.left < box.left - 1 ||
        inside.right > box.right + 1 ||
        inside.top < box.top - 1 ||
        inside.bottom > box.bottom + 1
      )
        faults.push(
          `${nameOf(each.text)} is cut by its picture "${picture.querySelector('title')?.textContent}"`,
        );
      if (inside.height < 10)
        faults.push(`${nameOf(each.text)} is ${inside.height.toFixed(1)} high: too small to read`);
      for (const other of texts) {
        if (other === each || other.text.compareDocumentPosition(each.text) & 2) continue;
        const width = Math.min(inside.right, other.box.right) - Math.max(inside.left, other.box.left);
        const height = Math.min(inside.bottom, other.box.bottom) - Math.max(inside.top, other.box.top);
        if (width > 1 && height > 4) faults.push(`${nameOf(each.text)} lies on ${nameOf(other.text)}`);
      }
    }
    for (const shape of picture.querySelectorAll('rect, circle, line, path, polyline, polygon')) {
      const inside = shape.getBoundingClientRect();
      const isOut =
        inside.left < box.left - 1.5 ||
        inside.right > box.right + 1.5 ||
        inside.top < box.top - 1.5 ||
        inside.bottom > box.bottom + 1.5;
      if (isOut)
        faults.push(
          `a ${shape.tagName} is cut by its picture "${picture.querySelector('title')?.textContent}"`,
        );
    }
    if (picture.getAttribute('role') === 'img') {
      const title = picture.querySelector('title')?.textContent ?? '';
      const words = picture.querySelector('desc')?.textContent ?? '';
      const labels = (picture.getAttribute('aria-labelledby') ?? '').split(' ');
      if (title === '' || words.length < 10) faults.push(`a picture without words: "${title}"`);
      if (!labels.every((id) => picture.contains(document.getElementById(id))))
        faults.push(`"${title}": its words are not its own`);
    } else if (picture.getAttribute('aria-hidden') !== 'true')
      faults.push('a picture that is neither described nor hidden from readers');
  }

  // 3. Contrast of computed styles: text 4.5:1, what is drawn and means something 3:1.
  const numbers = (colour) => (colour.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = (colour) => {
    const [r = 0, g = 0, b = 0] = numbers(colour).map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [x, y] = [luminance(a), luminance(b)];
    return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
  };
  const groundOf = (element) => {
    for (let at = element; at !== null; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      const [, , , alpha = 1] = numbers(colour);
      if (alpha === 1) return colour;
      if (alpha !== 0) faults.push(`${nameOf(at)}: half of a ground`);
    }
    return 'rgb(255, 255, 255)';
  };
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== '');
    if (!own || !shown(element) || element.matches('title, desc, style')) continue;
    counts.texts += 1;
    const computed = getComputedStyle(element);
    const colour = element.closest('svg') === null ? computed.color : computed.fill;
    const found = contrast(colour, groundOf(element));
    if (found < 4.5) faults.push(`${nameOf(element)}: contrast ${found.toFixed(2)}`);
    if (Number.parseFloat(computed.fontSize) < 11) faults.push(`${nameOf(element)}: ${computed.fontSize}`);
  }
  for (const shape of document.querySelectorAll('.fill, .stroke, .mark, .range, .end')) {
    if (!shown(shape)) continue;
    counts.shapes += 1;
    const computed = getComputedStyle(shape);
    const colour = shape.matches('.stroke, .range') ? computed.stroke : computed.fill;
    const found = contrast(colour, groundOf(shape));
    if (found < 3) faults.push(`a ${shape.getAttribute('class')}: contrast ${found.toFixed(2)}`);
  }
  return { faults: [...new Set(faults)], ...counts };
})();
