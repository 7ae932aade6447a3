import { onProofWanted } from '$lib/api/client';

/** The question «is it you?»: asked once, however many requests wait for its answer. */
class ProofAsked {
  open = $state(false);
  #waiting: Promise<boolean> | null = null;
  #answer: ((proved: boolean) => void) | null = null;

  constructor() {
    onProofWanted(() => this.#ask());
  }

  answer(proved: boolean): void {
    this.open = false;
    this.#answer?.(proved);
    this.#answer = null;
    this.#waiting = null;
  }

  #ask(): Promise<boolean> {
    this.#waiting ??= new Promise((resolve) => {
      this.#answer = resolve;
      this.open = true;
    });
    return this.#waiting;
  }
}

export const proofAsked = new ProofAsked();
