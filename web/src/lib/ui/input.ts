/** The classes of a text input, a select and a text area. */
export const inputClass =
  'w-full rounded-md border border-input bg-surface px-2.5 py-1.5 text-sm placeholder:text-muted-foreground coarse:text-lg aria-invalid:border-destructive disabled:opacity-60';
