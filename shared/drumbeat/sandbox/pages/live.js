// Keeps a page fresh: when the record has grown, fetches the page again and swaps the parts marked data-live.
// Without it the list refreshes by a meta tag.
const entries = () => document.body.dataset.entries;

async function refresh() {
  if (document.hidden) return;
  try {
    const health = await (await fetch("/_sandbox/health")).json();
    if (String(health.entries) === entries()) return;
    const text = await (await fetch(location.href)).text();
    const fresh = new DOMParser().parseFromString(text, "text/html");
    for (const part of document.querySelectorAll("[data-live]")) {
      const other = fresh.getElementById(part.id);
      if (other && other.innerHTML !== part.innerHTML) part.replaceChildren(...other.childNodes);
    }
    document.body.dataset.entries = fresh.body.dataset.entries;
  } catch {
    // the sandbox is restarting; the next round will find it
  }
}

if (document.querySelector("[data-live]")) setInterval(refresh, 2000);
