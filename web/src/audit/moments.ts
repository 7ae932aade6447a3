import { parseAbsolute, parseDateTime, toCalendarDateTime, toZoned } from '@internationalized/date';

/** A moment as an input for date and time shows it, in a zone; empty for none, or for what is no moment. */
export function toInput(moment: string, zone: string): string {
  try {
    return moment ? toCalendarDateTime(parseAbsolute(moment, zone)).toString().slice(0, 16) : '';
  } catch {
    return '';
  }
}

/** The moment that an input for date and time names in a zone, in UTC. */
export function fromInput(local: string, zone: string): string {
  return local ? toZoned(parseDateTime(local), zone).toAbsoluteString() : '';
}
