// Keeps the page fresh: fetches it again and swaps the content, unless somebody is filling in a form or reading an answer. Says whether it is.
const content = () => document.getElementById('content');
const initial = (field) =>
  field.tagName === 'SELECT' ? (field.querySelector('option[selected]') ?? field.options[0]).value : field.defaultValue;
const isUsed = (field) =>
  field === document.activeElement || (field.type === 'checkbox' ? field.checked !== field.defaultChecked : field.value !== initial(field));
const isBusy = () =>
  [...content().querySelectorAll('input:not([type=hidden]), select, textarea')].some(isUsed) || content().querySelector('details[open]') !== null;
// What a link or button leads to: so the keyboard stays where it is when the content is swapped.
const target = (element) => [element.tagName, element.getAttribute('href') ?? element.form?.getAttribute('action'), element.name, element.value].join(' ');
let freshAt = new Date();
function say(isFresh) {
  const live = document.getElementById('live');
  const text = isFresh ? 'Live' : `The desk does not answer. This is from ${freshAt.toISOString().slice(11, 19)}.`;
  live.className = isFresh ? '' : 'bad';
  if (live.textContent !== text) live.textContent = text;
}
function swap(fresh) {
  const focused = content().contains(document.activeElement) ? target(document.activeElement) : null;
  content().replaceWith(fresh);
  if (focused) [...content().querySelectorAll('a, button, summary')].find((element) => target(element) === focused)?.focus({ preventScroll: true });
}
async function refresh() {
  const answer = await fetch(location.href, { redirect: 'manual' });
  // The session is over: the page itself is sent to where one signs in.
  if (answer.type === 'opaqueredirect') return location.reload();
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html').getElementById('content');
  if (!fresh || isBusy()) return;
  if (fresh.innerHTML !== content().innerHTML) swap(fresh);
  freshAt = new Date();
  say(true);
}
if (document.body.dataset.live === 'yes') {
  say(true);
  setInterval(() => document.hidden || isBusy() || refresh().catch(() => say(false)), 2000);
}
