const content = () => document.getElementById('content');
async function refresh() {
  const page = await (await fetch('/_sim/')).text();
  const fresh = new DOMParser().parseFromString(page, 'text/html').getElementById('content');
  if (fresh.innerHTML !== content().innerHTML) content().innerHTML = fresh.innerHTML;
}
document.addEventListener('submit', async (event) => {
  event.preventDefault();
  await fetch(event.target.action, { method: 'POST' });
  await refresh();
});
setInterval(() => document.hidden || refresh().catch(() => {}), 2000);
