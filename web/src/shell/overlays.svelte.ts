/** What lies over the page. */
class Overlays {
  palette = $state(false);
  help = $state(false);
}

export const overlays = new Overlays();
