import { mount } from 'svelte';
import App from './App.svelte';
import './app.css';

// After an update of the core the old page's parts are gone: read the page afresh, once.
window.addEventListener('vite:preloadError', () => {
  const at = Number(sessionStorage.getItem('socme.reloaded') ?? 0);
  if (Date.now() - at < 10_000) return;
  sessionStorage.setItem('socme.reloaded', String(Date.now()));
  location.reload();
});

// The router would take clicks that belong to the browser (new tab, download) or that a row has dealt with already.
document.addEventListener('click', (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)
    event.stopPropagation();
});

const target = document.getElementById('app');
if (target) mount(App, { target });
