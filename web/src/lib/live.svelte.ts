/**
 * What happens at the core, as it happens. All tabs of a browser share one stream: the tab that holds the lock «socme.live»
 * keeps it open and passes everything on; when that tab closes, the lock goes to another. Without Web Locks each tab has its own.
 * A new stream may have missed something, so every `hello` tells the pages to catch up.
 */
import { now } from './figures.svelte';

export interface LiveEvents {
  hello: { now?: string };
  alerts: { client: number; new: number; counted: number; changed: number };
  nodes: { client: number; node?: number | null };
  /** Hosts that a node watches have changed. */
  hosts: { client: number; node: number };
  /** What a node was asked has changed. */
  commands: { client: number; node: number };
  clients: Record<string, never>;
  /** What this person may see has changed. */
  rights: Record<string, never>;
  session: { ended: boolean };
  reset: Record<string, never>;
}

type Name = keyof LiveEvents;
type State = 'connecting' | 'live' | 'reconnecting' | 'stopped';
type Message =
  { kind: 'event'; name: Name; data: LiveEvents[Name] } | { kind: 'state'; state: State; at: number } | { kind: 'ask' };

const NAMES: Name[] = ['hello', 'alerts', 'nodes', 'hosts', 'commands', 'clients', 'rights', 'session', 'reset'];

class Live {
  /** How the stream is. */
  state = $state<State>('connecting');
  /** When this state began; milliseconds. */
  since = $state(Date.now());
  /** When the page last knew that it was up to date; milliseconds. */
  freshAt = $state(Date.now());

  #listeners = new Map<Name, Set<(data: never) => void>>();
  #channel: BroadcastChannel | null = null;
  #source: EventSource | null = null;
  #release: (() => void) | null = null;
  #started = false;

  /** Calls `listener` for each event of that name; returns how to stop. */
  on<N extends Name>(name: N, listener: (data: LiveEvents[N]) => void): () => void {
    const set = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, set);
    set.add(listener as (data: never) => void);
    return () => set.delete(listener as (data: never) => void);
  }

  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#enter('connecting', Date.now());
    if (typeof BroadcastChannel !== 'undefined' && navigator.locks) {
      this.#channel = new BroadcastChannel('socme.live');
      this.#channel.onmessage = (message: MessageEvent<Message>) => this.#hear(message.data);
      this.#channel.postMessage({ kind: 'ask' } satisfies Message);
      void navigator.locks.request('socme.live', () => {
        if (!this.#started) return;
        this.#open();
        return new Promise<void>((resolve) => (this.#release = resolve));
      });
    } else this.#open();
  }

  stop(): void {
    this.#started = false;
    this.#source?.close();
    this.#source = null;
    this.#release?.();
    this.#release = null;
    this.#channel?.close();
    this.#channel = null;
    this.#enter('stopped', Date.now());
  }

  #open(): void {
    const source = new EventSource('/api/v1/live');
    this.#source = source;
    source.onopen = () => this.#tell({ kind: 'state', state: 'live', at: Date.now() });
    source.onerror = () => {
      this.#tell({ kind: 'state', state: 'reconnecting', at: Date.now() });
      // The browser gives up for good on an answer that is no stream (502 of a proxy, 401): begin again ourselves.
      if (source.readyState === EventSource.CLOSED && this.#source === source)
        setTimeout(() => this.#started && this.#source === source && this.#open(), 2000 + Math.random() * 3000);
    };
    for (const name of NAMES)
      source.addEventListener(name, (event: MessageEvent<string>) => {
        let data: unknown;
        try {
          data = JSON.parse(event.data);
        } catch {
          return;
        }
        this.#tell({ kind: 'event', name, data: data as LiveEvents[Name] });
        if (name === 'rights' && this.#source === source) this.#begin(source);
      });
  }

  /** Begins anew, with nothing that the old stream knew: it was told what its person may no longer see. */
  #begin(old: EventSource): void {
    old.close();
    this.#open();
  }

  #tell(message: Message): void {
    this.#channel?.postMessage(message);
    this.#hear(message);
  }

  #hear(message: Message): void {
    if (message.kind === 'ask') {
      if (this.#source)
        this.#channel?.postMessage({ kind: 'state', state: this.state, at: this.since } satisfies Message);
      return;
    }
    if (message.kind === 'state') {
      this.#enter(message.state, message.at);
      return;
    }
    this.freshAt = Date.now();
    if (message.name === 'hello') {
      const hello = message.data as LiveEvents['hello'];
      if (hello.now) now.follow(hello.now);
      this.#enter('live', Date.now());
    }
    this.emit(message.name, message.data as never);
  }

  /** Tells this page's listeners, as if it had come from the core. */
  emit<N extends Name>(name: N, data: LiveEvents[N]): void {
    for (const listener of this.#listeners.get(name) ?? []) listener(data as never);
  }

  #enter(state: State, at: number): void {
    if (state === this.state) return;
    if (this.state === 'live') this.freshAt = Date.now();
    this.state = state;
    this.since = at;
  }
}

export const live = new Live();
