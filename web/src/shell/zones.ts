/** The browser's own time zone. */
export const ownZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** Every time zone that can be chosen. */
export const zones = ['UTC', ...Intl.supportedValuesOf('timeZone').filter((zone) => zone !== 'UTC')];
