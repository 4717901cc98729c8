// Keeps the page fresh: fetches it again and swaps the content, unless somebody is filling in a form or reading an answer.
const content = () => document.getElementById('content');
const isBusy = () =>
  [...content().querySelectorAll('input:not([type=hidden]), textarea')].some(
    (field) => field === document.activeElement || (field.type === 'checkbox' ? field.checked : field.value !== field.defaultValue),
  ) || content().querySelector('details[open]') !== null;
async function refresh() {
  const answer = await fetch(location.href, { redirect: 'error' });
  if (!answer.ok || isBusy()) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html').getElementById('content');
  if (fresh && fresh.innerHTML !== content().innerHTML) content().replaceWith(fresh);
}
if (document.body.dataset.live === 'yes') setInterval(() => document.hidden || isBusy() || refresh().catch(() => {}), 2000);
