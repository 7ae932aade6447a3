import {
  Virtualizer,
  elementScroll,
  observeElementOffset,
  observeElementRect,
  type VirtualItem,
} from '@tanstack/virtual-core';

interface Options {
  count: () => number;
  size: () => number;
  scroller: () => HTMLElement | null;
  overscan?: number;
}

/** TanStack Virtual with runes: which rows of a long list are on the screen. Make it while a component is being made. */
export class VirtualRows {
  items = $state.raw<VirtualItem[]>([]);
  total = $state(0);
  readonly #virtualizer: Virtualizer<HTMLElement, Element>;

  constructor(options: Options) {
    const read = () => ({
      count: options.count(),
      estimateSize: () => options.size(),
      getScrollElement: options.scroller,
      overscan: options.overscan ?? 12,
      observeElementRect,
      observeElementOffset,
      scrollToFn: elementScroll,
      onChange: () => this.#show(),
    });
    this.#virtualizer = new Virtualizer(read());
    $effect(() => this.#virtualizer._didMount());
    $effect.pre(() => {
      options.size();
      options.scroller();
      this.#virtualizer.setOptions(read());
      this.#virtualizer.measure();
      this.#virtualizer._willUpdate();
      this.#show();
    });
  }

  #show(): void {
    this.items = this.#virtualizer.getVirtualItems();
    this.total = this.#virtualizer.getTotalSize();
  }

  /** Scrolls just as far as needed to see a row. */
  reveal(index: number): void {
    this.#virtualizer.scrollToIndex(index, { align: 'auto' });
  }
}
