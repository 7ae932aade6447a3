import { keymap, type KeyAction } from './keymap';

export type Handlers = Partial<Record<KeyAction, () => void>>;

/** How long the first key of a pair (`g a`) waits for the second; milliseconds. */
const PAIR = 1200;

/** The key that was pressed, written as in the key map; null for one that belongs to the browser or the system. */
export function written(
  event: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey'>,
): string | null {
  const { key, ctrlKey, metaKey, altKey, shiftKey } = event;
  if (['Shift', 'Control', 'Alt', 'Meta', 'AltGraph', 'Dead', 'Process', 'Unidentified'].includes(key)) return null;
  if (ctrlKey || metaKey) {
    // AltGr arrives as Ctrl+Alt on some systems, and `\` needs it on a French keyboard.
    if (altKey && key !== '\\') return null;
    return `Ctrl+${key.length === 1 ? key.toUpperCase() : key}`;
  }
  if (altKey) return null;
  if (/^\p{Lu}$/u.test(key)) return `Shift+${key}`;
  if (shiftKey && key.length > 1) return `Shift+${key}`;
  return key;
}

/** Finds the action for keys pressed one after the other. */
export class Chords {
  #first: string | null = null;
  #at = 0;

  /** The action that this key completes; `'begun'` if it may begin a pair. */
  press(key: string, at: number): KeyAction | 'begun' | null {
    const first = this.#first !== null && at - this.#at <= PAIR ? this.#first : null;
    this.#first = null;
    if (first !== null) {
      const pair = find(`${first} ${key}`);
      if (pair) return pair;
    }
    const single = find(key);
    if (single) return single;
    if (beginsPair(key)) {
      this.#first = key;
      this.#at = at;
      return 'begun';
    }
    return null;
  }
}

function find(keys: string): KeyAction | null {
  for (const [action, binding] of Object.entries(keymap))
    if ((binding.keys as readonly string[]).includes(keys)) return action as KeyAction;
  return null;
}

function beginsPair(key: string): boolean {
  return Object.values(keymap).some((binding) => binding.keys.some((keys) => keys.startsWith(`${key} `)));
}

/** Hands each key to whoever took it over last: the page above the shell, the pane above the page. */
class Keys {
  #stack: Handlers[] = [];
  #chords = new Chords();

  /** Takes keys over until the returned function is called. For `$effect(() => keys.use({...}))`. */
  use(handlers: Handlers): () => void {
    this.#stack.push(handlers);
    return () => {
      this.#stack = this.#stack.filter((each) => each !== handlers);
    };
  }

  handle(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.isComposing) return;
    const key = written(event);
    if (key === null) return;
    const global = key === 'Ctrl+K' || key === 'Ctrl+\\';
    if (!global && belongsElsewhere(event)) return;
    const action = this.#chords.press(key, event.timeStamp);
    if (action === null || action === 'begun') return;
    const handler = this.#stack.findLast((handlers) => handlers[action])?.[action];
    if (!handler) return;
    event.preventDefault();
    handler();
  }
}

/** True where the key means something to what has the focus. */
function belongsElsewhere(event: KeyboardEvent): boolean {
  const target = event.target;
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target.matches('input:not([type=checkbox]), textarea, select')) return true;
  if (target.closest('[role=dialog], [role=alertdialog], [role=menu], [role=listbox], [data-own-keys]')) return true;
  return event.key === 'Enter' && target.matches('a[href], button, summary');
}

export const keys = new Keys();
