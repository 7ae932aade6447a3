/** A figure with its name; `bad` is shown as such. */
export interface Fact {
  name: string;
  value: string;
  hover?: string;
  bad?: boolean;
}
