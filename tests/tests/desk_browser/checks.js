// What is wrong with how a page looks, as sentences: wider than the screen, too little contrast, cells without a heading, an id twice.
(() => {
  const problems = [];
  const where = (element) => `${element.tagName.toLowerCase()}.${element.className} “${(element.textContent || element.value || '').trim().slice(0, 40)}”`;

  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) problems.push(`the page is ${root.scrollWidth} pixels wide on a screen of ${root.clientWidth}`);
  for (const element of document.querySelectorAll('body *')) {
    const { overflowX } = getComputedStyle(element);
    if (['auto', 'scroll'].includes(overflowX) && element.scrollWidth > element.clientWidth + 1 && !element.matches('textarea, input')) {
      problems.push(`${where(element)} has to be scrolled sideways`);
    }
  }

  const numbers = (color) => {
    const [red, green, blue, alpha = 1] = color.match(/[\d.]+/g).map(Number);
    return { red, green, blue, alpha };
  };
  const over = (top, bottom) => {
    const mix = (name) => top[name] * top.alpha + bottom[name] * (1 - top.alpha);
    return { red: mix('red'), green: mix('green'), blue: mix('blue'), alpha: 1 };
  };
  const behind = (element) => {
    if (!element) return { red: 255, green: 255, blue: 255, alpha: 1 };
    const color = numbers(getComputedStyle(element).backgroundColor);
    return color.alpha === 1 ? color : over(color, behind(element.parentElement));
  };
  // Relative luminance and contrast as in WCAG 2.2.
  const luminance = ({ red, green, blue }) => {
    const [r, g, b] = [red, green, blue].map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, other) => {
    const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };
  let texts = 0;
  const check = (element, color, what) => {
    const background = behind(element);
    const ratio = contrast(over(numbers(color), background), background);
    texts += 1;
    if (ratio < 4.5) problems.push(`${what} has a contrast of ${ratio.toFixed(2)}: ${color} on ${JSON.stringify(background)}`);
  };
  const isSeen = (element) => element.checkVisibility() && element.closest('.unseen, thead') === null;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (walker.currentNode.data.trim() && isSeen(element) && !element.matches('script, style, option')) {
      check(element, getComputedStyle(element).color, where(element));
    }
  }
  for (const field of document.querySelectorAll('input:not([type=hidden]), select, textarea')) {
    check(field, getComputedStyle(field).color, `what is written in ${field.name}`);
    if (field.placeholder) check(field, getComputedStyle(field, '::placeholder').color, `the example in ${field.name}`);
  }
  for (const heading of document.querySelectorAll('th')) check(heading, getComputedStyle(heading).color, where(heading));
  for (const cell of document.querySelectorAll('td')) {
    if (!cell.dataset.label) problems.push(`${where(cell)} does not say its heading`);
    const before = getComputedStyle(cell, '::before');
    if (before.content !== 'none' && before.display !== 'none') check(cell, before.color, `the heading of ${where(cell)}`);
  }
  if (texts < 5) problems.push(`only ${texts} texts were looked at`);

  const ids = [...document.querySelectorAll('[id]')].map((element) => element.id);
  for (const id of new Set(ids)) if (ids.filter((other) => other === id).length > 1) problems.push(`the id ${id} is there more than once`);
  return problems;
})()
