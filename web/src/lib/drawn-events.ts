/**
 * What Event Calendar has drawn, kept in step with what should be drawn.
 *
 * Given a new list it would draw everything anew, and a pointer that rests on a booking would lose it each time
 * anything changes anywhere. So only what has moved is told to it; what a booking says is drawn from the booking itself.
 */
export interface EventPlace {
  id: string;
  resourceId: string;
  start: string;
  end: string;
}

export interface Drawing {
  addEvent(event: EventPlace): unknown;
  updateEvent(event: EventPlace): unknown;
  removeEventById(id: string): unknown;
}

export class DrawnEvents {
  #places = new Map<string, EventPlace>();

  constructor(readonly drawing: Drawing) {}

  update(places: readonly EventPlace[]): void {
    const wanted = new Map(places.map((place) => [place.id, place]));
    for (const id of this.#places.keys()) {
      if (!wanted.has(id)) this.drawing.removeEventById(id);
    }
    for (const place of wanted.values()) {
      const before = this.#places.get(place.id);
      if (before === undefined) this.drawing.addEvent(place);
      else if (!samePlace(before, place)) this.drawing.updateEvent(place);
    }
    this.#places = wanted;
  }
}

function samePlace(a: EventPlace, b: EventPlace): boolean {
  return a.resourceId === b.resourceId && a.start === b.start && a.end === b.end;
}
