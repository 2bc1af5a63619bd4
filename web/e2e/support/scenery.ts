import type { NewBooking } from "bayou";
import { DATE, type Desk } from "./desk.ts";

type Scene = Omit<NewBooking, "id" | "person" | "wanted" | "alternatives"> & {
  room: string;
  from: number;
  hours: number;
  instead?: { room: string; from: number };
};

const OTHERS: Scene[] = [
  { title: "Standup", name: "Grace Hopper", notes: "", room: "Cypress", from: 9, hours: 0.5 },
  {
    title: "Quarterly planning with the whole product group",
    name: "Ada Lovelace",
    notes: "",
    room: "Magnolia",
    from: 9,
    hours: 3,
  },
  { title: "Design review", name: "Ada Lovelace", notes: "", room: "Pelican", from: 10, hours: 1 },
  { title: "Interview", name: "مريم ميرزاخاني", notes: "", room: "Heron", from: 11, hours: 1.5 },
  { title: "All hands", name: "Grace Hopper", notes: "", room: "Delta", from: 15, hours: 2 },
];

const MINE: Scene[] = [
  { title: "1:1 with Ada", name: "Robin", notes: "", room: "Otter", from: 10, hours: 0.5 },
  {
    title: "Retro",
    name: "Robin",
    notes: "Bring the cards.",
    room: "Pelican",
    from: 10,
    hours: 1,
    instead: { room: "Heron", from: 9 },
  },
  { title: "Budget", name: "Robin", notes: "", room: "Magnolia", from: 10, hours: 1 },
];

const LATE: Scene[] = [
  {
    title: "Workshop: conflict resolution in practice",
    name: "Robin",
    notes: "",
    room: "Cypress",
    from: 13,
    hours: 2,
  },
  {
    title: "Customer call",
    name: "Robin",
    notes: "",
    room: "Cypress",
    from: 14,
    hours: 1,
    instead: { room: "Otter", from: 14 },
  },
];

async function bookAll(desk: Desk, scenes: Scene[], mine: boolean): Promise<void> {
  await desk.page.evaluate(
    async ([bookings, midnight, own]) => {
      const replica = window.bayou;
      if (replica === undefined) throw new Error("the page has published its replica");
      const rooms = new Map(replica.rooms.list().map(({ id, name }) => [name, id]));
      for (const { title, name, notes, room, from, hours, instead } of bookings) {
        const slot = (where: string, start: number) => ({
          room: rooms.get(where) ?? "",
          start: midnight + start * 60,
          end: midnight + (start + hours) * 60,
        });
        await replica.rooms.book({
          id: crypto.randomUUID(),
          title,
          name,
          notes,
          person: own ? (localStorage.getItem("bayou:person") ?? "") : `person of ${name}`,
          wanted: slot(room, from),
          alternatives: instead === undefined ? [] : [slot(instead.room, instead.from)],
        });
      }
    },
    [scenes, Date.parse(`${DATE}T00:00+01:00`) / 60_000, mine] as const,
  );
}

/** A working day with most states that a booking can have; the tab is offline at its end. */
export async function furnish(desk: Desk): Promise<void> {
  await bookAll(desk, OTHERS, false);
  await bookAll(desk, MINE, true);
  await desk.settled();
  await desk.goOffline();
  await bookAll(desk, LATE, true);
  await desk.show();
}
