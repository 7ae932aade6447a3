import { Problem } from './api/problem';
import { m } from './paraglide/messages';
import { toasts } from './ui/toast.svelte';

/** Puts text on the clipboard, exactly as it is; says so where the browser forbids it (plain HTTP on another address). */
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    if (copyBySelection(text)) return true;
    toasts.problem(new Problem({ title: m.copy_failed() }, m.copy_failed_mend()));
    return false;
  }
}

/** The old way, for pages that the browser does not call secure. */
function copyBySelection(text: string): boolean {
  const area = document.createElement('textarea');
  area.value = text;
  area.style.position = 'fixed';
  area.style.opacity = '0';
  const focused = document.activeElement;
  document.body.append(area);
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return done;
}
