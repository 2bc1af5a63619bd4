import { DATE } from "./support/desk.ts";
import { expect, test } from "./support/fixtures.ts";

const SLOT = { room: "Cypress", start: "09:00", end: "10:00" };
const ALTERNATIVE = { room: "Pelican", start: "09:00", end: "10:00" };

test("a booking in one tab appears in others and becomes Confirmed in all @engines", async ({
  visitor,
}) => {
  const ada = await visitor();
  const grace = await visitor();
  const first = await ada.tab();
  await first.openWithRooms();
  const second = await ada.tab();
  const third = await grace.tab();
  for (const desk of [second, third]) {
    await desk.openWithRooms();
    await desk.showAgenda();
  }

  await first.book({ title: "Standup", ...SLOT });
  await first.showAgenda();

  for (const desk of [first, second, third]) {
    await expect(desk.row("Standup")).toContainText("Confirmed");
    await expect(desk.row("Standup")).toContainText("Cypress");
    await desk.settled();
  }
  await expect(first.myBooking("Standup")).toContainText("Confirmed");
  await expect(second.myBooking("Standup")).toContainText("Confirmed");
  await expect(third.myBooking("Standup")).toHaveCount(0);
});

test("two book one slot offline; back online one is Confirmed and one Moved, and all agree", async ({
  visitor,
}) => {
  const [ada, grace, onlooker] = await Promise.all(
    [1, 2, 3].map(async () => (await visitor()).tab()),
  );
  if (!ada || !grace || !onlooker) throw new Error("three visitors came");
  await ada.openWithRooms();
  await grace.openWithRooms();
  await onlooker.openWithRooms();

  await ada.goOffline();
  await grace.goOffline();
  await ada.book({ title: "Review", name: "Ada", ...SLOT, alternatives: [ALTERNATIVE] });
  await grace.book({ title: "Planning", name: "Grace", ...SLOT, alternatives: [ALTERNATIVE] });
  await expect(ada.myBooking("Review")).toContainText("Saved on this device");
  await expect(grace.myBooking("Planning")).toContainText("Saved on this device");
  await expect(grace.sync).toHaveText("Offline - 1 saved on this device only");

  await ada.goOnline();
  await expect(ada.myBooking("Review")).toContainText("Confirmed");
  await grace.goOnline();
  await expect(grace.myBooking("Planning")).toContainText("Moved");
  await expect(grace.myBooking("Planning")).toContainText("Pelican");
  await expect(grace.myBooking("Planning")).toContainText(
    "because Ada (Review) has the wanted slot",
  );

  for (const desk of [ada, grace, onlooker]) {
    await desk.showAgenda();
    await desk.settled();
    await expect(desk.row("Review")).toContainText("Confirmed");
    await expect(desk.row("Review")).toContainText("Cypress");
    await expect(desk.row("Planning")).toContainText("Moved");
    await expect(desk.row("Planning")).toContainText("Pelican");
  }
});

test("with the alternative taken too a booking is Not placed, says why, and can be tried again", async ({
  visitor,
}) => {
  const ada = await (await visitor()).tab();
  const grace = await (await visitor()).tab();
  await ada.openWithRooms();
  await grace.openWithRooms();

  await grace.goOffline();
  await grace.book({ title: "Planning", name: "Grace", ...SLOT, alternatives: [ALTERNATIVE] });
  await ada.book({ title: "Review", name: "Ada", ...SLOT });
  await ada.book({ title: "Interview", name: "Ada", ...ALTERNATIVE });
  await ada.settled();
  await grace.goOnline();

  const planning = grace.myBooking("Planning");
  await expect(planning).toContainText("Not placed");
  await expect(planning).toContainText("taken by");
  await expect(planning).toContainText("Review");
  await expect(planning).toContainText("Interview");
  await expect(planning.getByRole("button", { name: "Cancel booking" })).toHaveCount(0);

  await planning.getByRole("button", { name: "Try again" }).click();
  await expect(grace.form.getByLabel("Title")).toHaveValue("Planning");
  await expect(grace.form.getByLabel("Date").first()).toHaveValue(DATE);
  await grace.form.getByLabel("Room").first().selectOption({ label: "Heron" });
  await grace.form.getByRole("button", { name: "Book", exact: true }).click();
  await expect(grace.mine.getByRole("listitem").first()).toContainText("Confirmed");
});

test("bookings made offline survive a reload while offline, and are confirmed later @engines", async ({
  desk,
}) => {
  await desk.openWithRooms();
  await desk.goOffline();
  await desk.book({ title: "Retro", ...SLOT });
  await expect(desk.myBooking("Retro")).toContainText("Saved on this device");

  await desk.page.reload();
  await expect(desk.offline).toBeChecked();
  await expect(desk.myBooking("Retro")).toContainText("Saved on this device");
  await expect(desk.sync).toHaveText("Offline - 1 saved on this device only");

  await desk.goOnline();
  await expect(desk.myBooking("Retro")).toContainText("Confirmed");
  await desk.settled();
});

test("the relay dies and comes back under three booking tabs, and nothing is lost @engines", async ({
  relay,
  visitor,
}) => {
  const desks = await Promise.all([1, 2, 3].map(async () => (await visitor()).tab()));
  for (const desk of desks) await desk.openWithRooms();
  const titles: string[] = [];
  const bookOne = async (round: number): Promise<void> => {
    await Promise.all(
      desks.map(async (desk, index) => {
        const title = `Tab ${index} round ${round}`;
        titles.push(title);
        const start = `${String(9 + round).padStart(2, "0")}:${String(index * 20).padStart(2, "0")}`;
        const end = `${String(9 + round).padStart(2, "0")}:${String(index * 20 + 15).padStart(2, "0")}`;
        await desk.book({ title, room: "Magnolia", start, end });
      }),
    );
  };

  await bookOne(0);
  await relay.kill();
  await bookOne(1);
  for (const desk of desks)
    await expect(desk.sync).toContainText("Relay not reachable - retrying in");
  await relay.start();
  await bookOne(2);

  for (const desk of desks) {
    await desk.showAgenda();
    await desk.settled();
    for (const title of titles) await expect(desk.row(title)).toContainText("Confirmed");
    await expect(desk.agenda.getByRole("row")).toHaveCount(titles.length + 1);
  }
});

test("one slot, ten tabs at once: exactly one is confirmed there", async ({ visitor }) => {
  const { tab } = await visitor();
  const first = await tab();
  await first.openWithRooms();
  const others = await Promise.all(Array.from({ length: 9 }, tab));
  await Promise.all(others.map((desk) => desk.openWithRooms()));
  const desks = [first, ...others];

  const start = Date.parse(`${DATE}T08:00Z`) / 60_000;
  await Promise.all(
    desks.map(({ page }, index) =>
      page.evaluate(
        async ([id, person, from]) => {
          const replica = window.bayou;
          if (replica === undefined) throw new Error("the page has published its replica");
          const room = replica.rooms.list().find(({ name }) => name === "Cypress");
          if (room === undefined) throw new Error("there is a room Cypress");
          await replica.whenReady();
          await replica.rooms.book({
            id,
            title: `Tab ${id}`,
            person,
            name: "Ada",
            notes: "",
            wanted: { room: room.id, start: from, end: from + 60 },
            alternatives: [],
          });
        },
        [`t${index}`, "somebody", start] as const,
      ),
    ),
  );

  const outcomes: string[] = [];
  for (const desk of desks) {
    await desk.settled();
    const states = await desk.page.evaluate(() =>
      (window.bayou?.rooms.of("somebody") ?? []).map(({ id, state }) => `${id} ${state}`).sort(),
    );
    expect(states.filter((state) => state.endsWith("confirmed"))).toHaveLength(1);
    expect(states.filter((state) => state.endsWith("notPlaced"))).toHaveLength(9);
    outcomes.push(states.join());
  }
  expect(new Set(outcomes).size).toBe(1);
});

test("two tabs book offline and are closed; the next tab has both bookings @engines", async ({
  visitor,
}) => {
  const { tab } = await visitor();
  const first = await tab();
  await first.openWithRooms();
  const second = await tab();
  await second.openWithRooms();

  await first.goOffline();
  await second.goOffline();
  await first.book({ title: "From the first", ...SLOT });
  await second.book({ title: "From the second", ...ALTERNATIVE });
  await expect(first.myBooking("From the first")).toContainText("Saved on this device");
  await expect(second.myBooking("From the second")).toContainText("Saved on this device");
  await first.page.close();
  await second.page.close();

  const next = await tab();
  await next.open();
  await expect(next.myBooking("From the first")).toBeVisible();
  await expect(next.myBooking("From the second")).toBeVisible();
  await expect(next.myBooking("From the first")).toContainText("Confirmed");
  await expect(next.myBooking("From the second")).toContainText("Confirmed");
});

test("a cancelled booking frees its slot for others", async ({ visitor }) => {
  const ada = await (await visitor()).tab();
  const grace = await (await visitor()).tab();
  await ada.openWithRooms();
  await grace.openWithRooms();
  await ada.book({ title: "Review", name: "Ada", ...SLOT });
  await expect(ada.myBooking("Review")).toContainText("Confirmed");

  await ada.myBooking("Review").getByRole("button", { name: "Cancel booking" }).click();
  await expect(ada.myBooking("Review")).toContainText("Cancelled");
  await grace.showAgenda();
  await expect(grace.row("Review")).toHaveCount(0);
  await grace.book({ title: "Planning", name: "Grace", ...SLOT });
  await expect(grace.myBooking("Planning")).toContainText("Confirmed");
});
