// Sets theme and language before the first paint, so that nothing flashes. A file of its own because the content security
// policy allows no inline script. Keep the keys in step with src/lib/preferences.svelte.ts.
(function () {
  var root = document.documentElement;
  var theme = null;
  var language = null;
  try {
    theme = localStorage.getItem('socme.theme');
    language = localStorage.getItem('socme.language');
  } catch {
    // No storage: the system's wishes hold.
  }
  var dark = theme === 'dark' || (theme !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  root.classList.toggle('dark', dark);
  if (language === 'fr' || language === 'en') root.lang = language;
  else root.lang = /^fr\b/i.test(navigator.language || '') ? 'fr' : 'en';
})();
